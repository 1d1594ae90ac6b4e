/** The client's contract set before the real product. */
import { afterAll } from '@jest/globals';
import { createClient, type Surroundings } from '../../client/core.ts';
import { Bff } from '../support/bff.ts';
import { Browser } from '../support/browser.ts';
import { signInAtSimulator } from '../support/simulator-sign-in.ts';
import { describeClient } from './contract-set.ts';

const product = await Bff.start();
afterAll(() => product.stop());

/** Bethan Morris has a role in each of two organisations. */
const nurse = { uid: '900000000002' };

describeClient('the real library before the real server', async () => {
  const browser = new Browser(product.baseUrl);
  await signInAtSimulator(browser, nurse.uid);
  const events = new EventTarget();
  const origin = product.baseUrl;
  const surroundings = {
    Date,
    performance,
    fetch: (url: string, init: RequestInit) =>
      browser.request(new URL(url).pathname + new URL(url).search, {
        ...init,
        headers: {
          ...Object.fromEntries(new Headers(init.headers)),
          origin,
          'sec-fetch-site': 'same-origin',
        },
      }),
    location: { origin, href: `${origin}/`, pathname: '/', search: '', hash: '', replace: () => undefined },
    document: Object.assign(new EventTarget(), { visibilityState: 'visible' }),
    addEventListener: events.addEventListener.bind(events),
    sessionStorage: { getItem: () => null, setItem: () => undefined },
    reportError: console.error,
  };
  const [bff] = createClient(surroundings as unknown as Surroundings);
  const isActive = (): boolean => bff.session.get().status === 'active';
  await new Promise<void>((resolve) => {
    const end = bff.session.subscribe(() => {
      if (!isActive()) return;
      end();
      resolve();
    });
  });
  return { bff, close: bff.stop };
});
