/** The product with settings of the functions that no option of the start gives. */
import { afterAll, afterEach, beforeAll } from '@jest/globals';
import { Bff, type BffOptions } from '../support/bff.ts';
import { Browser } from '../support/browser.ts';
import { Provider } from '../support/provider.ts';
import { clientId, type Rig } from '../support/rig.ts';

/** As {@link useRig}, with these settings of the functions. */
export function useRigWithSettings(settings: Record<string, string>, options: BffOptions = {}): Rig {
  let running: { provider: Provider; bff: Bff } | undefined;
  const there = (): { provider: Provider; bff: Bff } => {
    if (running === undefined) throw new Error('the rig is there while tests run, not before');
    return running;
  };
  beforeAll(async () => {
    const provider = await Provider.start();
    const bff = await Bff.start({ issuer: provider.issuer, 'client-id': clientId, ...options }, settings);
    running = { provider, bff };
  });
  afterEach(() => {
    running?.provider.behave();
  });
  afterAll(async () => {
    await running?.bff.stop();
    await running?.provider.close();
  });
  return {
    get provider() {
      return there().provider;
    },
    get bff() {
      return there().bff;
    },
    browser: () => new Browser(there().bff.baseUrl),
  };
}
