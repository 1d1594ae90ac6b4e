/** The product and a provider for test files. */
import { afterAll, afterEach, beforeAll } from '@jest/globals';
import { AwsProxy } from './aws.ts';
import { Bff, type BffOptions } from './bff.ts';
import { Browser } from './browser.ts';
import { sharedKeys } from './key-pool.ts';
import { Provider } from './provider.ts';
import { Tables } from './table.ts';

export const clientId = 'rp.example.apps';

export interface Rig {
  readonly provider: Provider;
  readonly bff: Bff;
  /** A browser that has never been here. */
  browser(): Browser;
}

/**
 * A product and a provider of the caller's own, started before its tests and ended after them. Call it once in a file, or in a
 * `describe`. The provider behaves again after each test.
 *
 * @param options - of the local start, e.g. `{ 'idle-seconds': 2 }`
 * @param prepare - what the provider is like while the product starts, and until a test says otherwise
 * @param settings - settings of the functions that no option gives
 */
export function useRig(
  options: BffOptions = {},
  prepare: (provider: Provider) => void = () => undefined,
  settings?: Record<string, string>,
): Rig {
  let provider: Provider | undefined;
  let bff: Bff | undefined;
  beforeAll(async () => {
    provider = await Provider.start();
    prepare(provider);
    bff = await Bff.start({ issuer: provider.issuer, 'client-id': clientId, ...options }, settings);
  });
  afterEach(() => {
    provider?.behave();
    if (provider !== undefined) prepare(provider);
  });
  afterAll(async () => {
    await bff?.stop();
    await provider?.close();
  });
  return {
    get provider() {
      return there(provider);
    },
    get bff() {
      return there(bff);
    },
    browser: () => new Browser(there(bff).baseUrl),
  };
}

/** As {@link useRig}, with these settings of the functions. */
export const useRigWithSettings = (settings: Record<string, string>): Rig => useRig({}, undefined, settings);

let shared: Promise<{ readonly provider: Provider; readonly bff: Bff }> | undefined;

async function startShared() {
  const provider = await Provider.start(sharedKeys.provider);
  // Neither of them holds up the end of the tests.
  provider.unref();
  const bff = await Bff.start({ issuer: provider.issuer, 'client-id': clientId });
  bff.unref();
  return { provider, bff };
}

/**
 * As {@link useRig} without options, but one for all test files that a worker runs: a start takes seconds. Only for tests that
 * change no keys, and do not mind the sessions and the log of others.
 */
export function useSharedRig(): Rig {
  let started: Awaited<ReturnType<typeof startShared>> | undefined;
  beforeAll(async () => {
    shared ??= startShared();
    started = await shared;
    started.provider.requests.length = 0;
  });
  afterEach(() => {
    started?.provider.behave();
  });
  return {
    get provider() {
      return there(started).provider;
    },
    get bff() {
      return there(started).bff;
    },
    browser: () => new Browser(there(started).bff.baseUrl),
  };
}

/**
 * The same with the test's own door before the store, and the tables behind it. Call it at the top of a file. The door
 * lets everything pass again after each test.
 */
export async function startWithStore() {
  const [provider, store] = await Promise.all([Provider.start(), AwsProxy.dynamoDb()]);
  const bff = await Bff.start({
    issuer: provider.issuer,
    'client-id': clientId,
    'dynamodb-endpoint': store.url,
  });
  const tables = await Tables.at(store.url);
  afterEach(() => {
    provider.behave();
    store.reset();
  });
  afterAll(async () => {
    tables.close();
    await bff.stop();
    await Promise.all([provider.close(), store.close()]);
  });
  return { provider, store, bff, tables };
}

function there<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the rig is there while tests run, not before');
  return value;
}
