/** What the tests need and a clone does not have: the bundles, the template, the demo app, and a browser. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { findBrowser, findShell } from './chromium.ts';

const root = join(import.meta.dirname, '../..');

const run = (command: string, ...args: string[]): boolean =>
  spawnSync(command, args, { cwd: root, stdio: 'inherit', env: { ...process.env, NODE_OPTIONS: '' } })
    .status === 0;

if (!run(process.execPath, join(root, 'local/build.ts'))) process.exit(1);

if (
  process.env['CHROMIUM_PATH'] === undefined &&
  process.getuid?.() === 0 &&
  existsSync('/usr/bin/apt-get')
) {
  const install = (...names: string[]): boolean =>
    run('apt-get', 'install', '-y', '-qq', '--no-install-recommends', ...names);
  if (findBrowser() === undefined) {
    console.log('installing Chromium for the browser tests …');
    run('apt-get', 'update', '-qq');
    install('chromium', 'fonts-liberation');
  }
  // Debian has it. Without it the tests take longer.
  if (findShell() === findBrowser()) install('chromium-headless-shell');
}
if (findBrowser() === undefined) {
  console.error(
    [
      'The browser tests need Chromium or Chrome, and none was found. Install one:',
      '  Debian, Ubuntu   sudo apt-get install chromium',
      '  macOS            brew install --cask chromium',
      '  Windows          winget install Google.Chrome',
      'or set CHROMIUM_PATH to the one you have.',
    ].join('\n'),
  );
  process.exit(1);
}
