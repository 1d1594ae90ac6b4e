import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const browsers = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome.exe'];
const shells = ['chromium-headless-shell', 'chrome-headless-shell'];
const places = [
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
];

const onPath = (names: readonly string[]): string[] =>
  (process.env['PATH'] ?? '').split(delimiter).flatMap((folder) => names.map((name) => join(folder, name)));

/** Where this machine's whole Chromium is; undefined when it has none. `CHROMIUM_PATH` wins. */
export const findBrowser = (): string | undefined =>
  [process.env['CHROMIUM_PATH'], ...onPath(browsers), ...places].find(
    (path) => path !== undefined && existsSync(path),
  );

/**
 * Where this machine's Chromium without windows, tabs and menus is, which takes less than half of the processor time. It has no
 * pages that come back from memory. The whole one where there is no other, or `CHROMIUM_PATH` names one.
 */
export const findShell = (): string | undefined =>
  process.env['CHROMIUM_PATH'] ?? onPath(shells).find((path) => existsSync(path)) ?? findBrowser();

/** Without these a headless Chromium calls its maker at every start. */
export const browserArguments = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // One process for all pages, whatever their site: a new one for each way to CIS2 and back took half of the processor time.
  // Which cookies, headers and responses a page gets is decided elsewhere.
  '--disable-site-isolation-trials',
  '--renderer-process-limit=1',
];
