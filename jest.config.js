import { pathToFileURL } from 'node:url';

// Only the workers start after this.
const workerStart = pathToFileURL(`${import.meta.dirname}/test/support/worker-start.js`).href;
process.env.NODE_OPTIONS = `${process.env.NODE_OPTIONS ?? ''} --import=${workerStart}`.trim();

/** ESM and TypeScript throughout, which Node.js runs as they are. */
export default {
  // Tests share one Node.js: Jest's own runner makes a module system of its own for each file, which took half of the processor time of the unit tests.
  runner: ['jest-light-runner', { runtime: 'child_process' }],
  setupFiles: ['<rootDir>/test/support/runner-setup.ts'],
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  testSequencer: '<rootDir>/test/support/sequencer.js',
  reporters: ['default', '<rootDir>/test/support/count-reporter.js'],
  // One more than two cores: many tests wait for a time to pass, or for a product of several threads.
  maxWorkers: 3,
  modulePathIgnorePatterns: ['<rootDir>/build', '<rootDir>/cdk.out', '<rootDir>/dist'],
};
