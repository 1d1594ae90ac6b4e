/** A person at the CIS2 simulator's own pages, as far as HTTP goes. */
import type { Browser } from './browser.ts';

/** Signs a person in from our login to the end of our callback. @returns the callback's response */
export async function signInAtSimulator(browser: Browser, uid: string, query = ''): Promise<Response> {
  const { location } = await browser.login(query);
  const page = await fetch(location, { redirect: 'manual' });
  const markup = await page.text();
  const response = await fetch(new URL(/action="([^"]+)"/.exec(markup)?.[1] ?? '', page.url), {
    method: 'POST',
    redirect: 'manual',
    body: new URLSearchParams({
      interaction: /name="interaction" value="([^"]+)"/.exec(markup)?.[1] ?? '',
      uid,
    }),
  });
  const back = new URL(response.headers.get('location') ?? '', location);
  return browser.callback(Object.fromEntries(back.searchParams));
}
