/** `returnTo` leads to a path on our own origin and nowhere else (RFC 9700 section 4.11). */
import { describe, expect, test } from '@jest/globals';
import { useSharedRig } from '../support/rig.ts';
import { expectProblem, expectSignedIn, read } from './expectations.ts';
import { encoded, good, normalised, refused } from './return-to-vectors.ts';

const rig = useSharedRig();

/** The vector with our own host and port in it. */
const here = (vector: string): string => {
  const { hostname, port } = new URL(rig.bff.baseUrl);
  return vector.replaceAll('HOST', hostname).replaceAll('PORT', port);
};

/** What becomes of it: the code it is refused with, or where a whole sign-in lands. */
async function outcome(rawValue: string): Promise<{ refused: true } | { refused: false; location: string }> {
  const browser = rig.browser();
  const { response, location } = await browser.login(`?returnTo=${rawValue}`);
  if (response.status !== 302) {
    expectProblem(await read(response), 400, 'invalid_request');
    return { refused: true };
  }
  const landed = await browser.callback(rig.provider.authorise(location));
  await expectSignedIn(browser, landed);
  return { refused: false, location: landed.headers.get('location') ?? '' };
}

/** On our own origin for a browser, and for whoever reads the header less carefully than one. */
function expectOurOwn(location: string): void {
  const { baseUrl } = rig.bff;
  expect(new URL(location, 'https://elsewhere.example').origin).toBe(baseUrl);
  expect(location.startsWith(`${baseUrl}/`)).toBe(true);
  const path = location.slice(baseUrl.length);
  expect(path).toMatch(/^\/(?![/\\])[\x21-\x7e]*$/);
  expect(new URL(path, 'https://elsewhere.example').origin).toBe('https://elsewhere.example');
}

// The unit tests have every vector. These are two of each kind, through the whole product.
describe('hostile addresses [S-01, ASVS-3.7.2]', () => {
  const twoOfEach = Object.values(refused).flatMap(([first = '', ...more]) => [first, more.at(-1) ?? '']);
  test.each(twoOfEach)('%j is refused', async (vector) => {
    expect(await outcome(encodeURIComponent(here(vector)))).toEqual({ refused: true });
  });

  test.each(encoded)(
    '%s in the query, undecoded: refused: %j, or else it lands on our own origin',
    async (value, must) => {
      const result = await outcome(value);
      if (must) expect(result).toEqual({ refused: true });
      if (!result.refused) expectOurOwn(result.location);
    },
  );
});

describe('good addresses', () => {
  test.each(good.slice(0, 5))('%s arrives unchanged', async (path) => {
    expect(await outcome(encodeURIComponent(path))).toEqual({
      refused: false,
      location: rig.bff.baseUrl + path,
    });
  });

  test.each(normalised.slice(0, 3))('%s arrives as %s', async (path, arrives) => {
    expect(await outcome(encodeURIComponent(path))).toEqual({
      refused: false,
      location: rig.bff.baseUrl + arrives,
    });
  });

  test('without returnTo a sign-in lands on the first page', async () => {
    const browser = rig.browser();
    const landed = await browser.signIn(rig.provider);
    expect(landed.headers.get('location')).toBe(`${rig.bff.baseUrl}/`);
  });
});
