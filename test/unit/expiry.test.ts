import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { EpochSeconds } from '../../lambdas/common/time.ts';
import { deviceName } from '../../lambdas/session/device.ts';
import { expiryOf } from '../../lambdas/session/expiry.ts';

describe('when a session ends', () => {
  const at = (seconds: number) => (1_800_000_000 + seconds) as EpochSeconds;

  test.each([
    // signed in, active, idle, absolute → ends, by, warned
    [0, 0, 900, 43_200, 900, 'idle', 780],
    [0, 600, 900, 43_200, 1_500, 'idle', 1_380],
    [0, 42_299, 900, 43_200, 43_199, 'idle', 43_079],
    [0, 42_300, 900, 43_200, 43_200, 'idle', 43_080],
    [0, 42_301, 900, 43_200, 43_200, 'absolute', 43_080],
    [0, 43_199, 900, 43_200, 43_200, 'absolute', 43_080],
    [0, 0, 600, 43_200, 600, 'idle', 480],
    [0, 0, 599, 43_200, 599, 'idle', 479],
    [0, 0, 300, 43_200, 300, 'idle', 240],
    [0, 0, 10, 43_200, 10, 'idle', 8],
    [0, 0, 2, 43_200, 2, 'idle', 1],
    [0, 0, 1, 43_200, 1, 'idle', 0],
    [0, 0, 900, 60, 60, 'absolute', -60],
    [0, 0, 60, 60, 60, 'idle', 48],
  ] as const)(
    'signed in at %d, active at %d, limits %d and %d: at %d, by %s, warned at %d',
    (signedIn, active, idleSeconds, absoluteSeconds, ends, bindingLimit, warned) => {
      expect(
        expiryOf({ signedInAt: at(signedIn), lastActiveAt: at(active) }, { idleSeconds, absoluteSeconds }),
      ).toEqual({
        at: at(ends),
        idleAt: at(active + idleSeconds),
        absoluteAt: at(signedIn + absoluteSeconds),
        bindingLimit,
        warnAt: at(warned),
      });
    },
  );

  test('is never after either limit, and never later for being active earlier', () => {
    const seconds = fc.integer({ min: 0, max: 43_200 });
    fc.assert(
      fc.property(
        seconds,
        seconds,
        fc.integer({ min: 1, max: 900 }),
        fc.integer({ min: 1, max: 43_200 }),
        (one, other, idleSeconds, absoluteSeconds) => {
          const limits = { idleSeconds, absoluteSeconds };
          const [early, late] = [one, other].sort((left, right) => left - right) as [number, number];
          const sooner = expiryOf({ signedInAt: at(0), lastActiveAt: at(early) }, limits);
          const later = expiryOf({ signedInAt: at(0), lastActiveAt: at(late) }, limits);
          expect(later.at).toBe(Math.min(later.idleAt, later.absoluteAt));
          expect(later.at).toBeLessThanOrEqual(at(absoluteSeconds));
          expect(sooner.at).toBeLessThanOrEqual(later.at);
          expect(later.warnAt).toBeLessThan(later.at);
          expect(later.at - later.warnAt).toBeLessThanOrEqual(120);
        },
      ),
    );
  });
});

describe('a device’s name', () => {
  const webKit = 'AppleWebKit/537.36 (KHTML, like Gecko)';
  test.each([
    [
      'Chrome on Windows',
      `Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${webKit} Chrome/140.0.0.0 Safari/537.36`,
    ],
    [
      'Edge on Windows',
      `Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${webKit} Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0`,
    ],
    ['Edge on Windows', `Mozilla/5.0 (Windows NT 10.0) ${webKit} Chrome/64.0 Safari/537.36 Edge/17.17134`],
    [
      'Opera on Windows',
      `Mozilla/5.0 (Windows NT 10.0) ${webKit} Chrome/140.0.0.0 Safari/537.36 OPR/120.0.0.0`,
    ],
    [
      'Firefox on Windows',
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:143.0) Gecko/20100101 Firefox/143.0',
    ],
    ['Firefox on Linux', 'Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0'],
    ['Chrome on Linux', `Mozilla/5.0 (X11; Linux x86_64) ${webKit} HeadlessChrome/140.0.0.0 Safari/537.36`],
    [
      'Chrome on ChromeOS',
      `Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) ${webKit} Chrome/140.0.0.0 Safari/537.36`,
    ],
    [
      'Chrome on macOS',
      `Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) ${webKit} Chrome/140.0.0.0 Safari/537.36`,
    ],
    [
      'Safari on macOS',
      'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15',
    ],
    [
      'Safari on iPhone',
      'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1',
    ],
    [
      'Safari on iPad',
      'Mozilla/5.0 (iPad; CPU OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1',
    ],
    [
      'Chrome on iPhone',
      'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/140.0.0.0 Mobile/15E148 Safari/604.1',
    ],
    [
      'Firefox on iPhone',
      'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) FxiOS/143.0 Mobile/15E148 Safari/605.1.15',
    ],
    [
      'Edge on iPhone',
      'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 EdgiOS/140.0.0.0 Mobile/15E148 Safari/604.1',
    ],
    [
      'Chrome on Android',
      `Mozilla/5.0 (Linux; Android 15; Pixel 9) ${webKit} Chrome/140.0.0.0 Mobile Safari/537.36`,
    ],
    [
      'Edge on Android',
      `Mozilla/5.0 (Linux; Android 15; Pixel 9) ${webKit} Chrome/140.0.0.0 Mobile Safari/537.36 EdgA/140.0.0.0`,
    ],
    ['Windows', 'Mozilla/5.0 (Windows NT 10.0; Trident/7.0; rv:11.0) like Gecko'],
    ['Firefox', 'Firefox/1'],
    ['Unknown device', 'curl/8.0'],
    ['Unknown device', ''],
    ['Unknown device', undefined],
  ])('is %s', (name, userAgent) => {
    expect(deviceName(userAgent)).toBe(name);
  });

  test('is made of our own words only, whatever the header holds', () => {
    const browsers = ['Edge', 'Opera', 'Firefox', 'Chrome', 'Safari'];
    const systems = ['iPad', 'iPhone', 'Android', 'ChromeOS', 'Windows', 'macOS', 'Linux'];
    const known = [
      'Unknown device',
      ...browsers,
      ...systems,
      ...browsers.flatMap((browser) => systems.map((system) => `${browser} on ${system}`)),
    ];
    const pieces = fc.oneof(
      fc.constantFrom('Chrome/', 'Edg/', 'Windows', 'iPhone', 'Version/1 Safari/', ' ', '\n', '<script>'),
      fc.string({ unit: 'binary' }),
    );
    fc.assert(
      fc.property(fc.array(pieces), (parts) => {
        expect(known).toContain(deviceName(parts.join('')));
      }),
      { numRuns: 500 },
    );
  });

  test('is looked for in the first 512 characters only: no header is long enough to keep anybody busy', () => {
    const browser = 'Firefox/143.0';
    expect(deviceName(browser.padStart(512))).toBe('Firefox');
    expect(deviceName(browser.padStart(600))).toBe('Unknown device');
    expect(deviceName(browser.padEnd(1_000_000))).toBe('Firefox');
    expect(deviceName(`${'Version/ '.repeat(200_000)}Safari/1`)).toBe('Unknown device');
  });
});
