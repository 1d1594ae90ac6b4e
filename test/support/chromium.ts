import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

// The shell has no window, no tabs and no menus, and takes less than half of the processor time.
const shells = ['chromium-headless-shell', 'chrome-headless-shell'];
const browsers = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome.exe'];
const places = [
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
];

const onPath = (names: readonly string[]): string[] =>
  (process.env['PATH'] ?? '').split(delimiter).flatMap((folder) => names.map((name) => join(folder, name)));

/** Where this machine's headless Chromium is; undefined when it has none. */
export const findShell = (): string | undefined => onPath(shells).find((path) => existsSync(path));

/** Where the Chromium for the tests is; undefined when there is none. `CHROMIUM_PATH` wins. */
export const findBrowser = (): string | undefined =>
  [process.env['CHROMIUM_PATH'], findShell(), ...onPath(browsers), ...places].find(
    (path) => path !== undefined && existsSync(path),
  );

/** Without these a headless Chromium calls its maker at every start. */
export const browserArguments = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
