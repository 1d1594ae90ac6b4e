/** What `@jest/globals` gives to tests that run in bare Node.js (`jest.config.js` names the runner). */
import type * as jestGlobals from '@jest/globals';
import { getState } from 'jest-circus';

const given = globalThis as unknown as typeof jestGlobals;

export const { describe, test, expect, beforeAll, beforeEach, afterAll, afterEach } = given;

export const jest = Object.assign(given.jest, {
  /** The time that each later test and hook of this file has, in milliseconds. */
  setTimeout: (ms: number) => {
    getState().testTimeout = ms;
  },
});
