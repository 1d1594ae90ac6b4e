/**
 * Makes the pictures of the documentation from the real pages: `node test/browser/screenshots.ts [folder] [width]`.
 * Without arguments: docs/images, at the width of a laptop's window.
 */
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Page, Route } from 'playwright-core';
import type { SessionJson } from '../support/browser.ts';
import { choose, heading, logInLink, Rig, signIn } from './rig.ts';

const folder = process.argv[2] ?? join(import.meta.dirname, '../../docs/images');
const width = Number(process.argv[3] ?? 1024);
const largestKilobytes = 150;

const rig = await Rig.start();
mkdirSync(folder, { recursive: true });

/** One picture, as high as the page; `reach` leads a new visitor's tab there. */
async function picture(name: string, reach: (tab: Page) => Promise<unknown>): Promise<void> {
  const profile = await rig.profile({ viewport: { width, height: 640 } });
  const tab = await profile.tab();
  await reach(tab);
  const path = join(folder, `${name}.png`);
  const isDialogOpen = (await tab.getByRole('alertdialog').count()) > 0;
  await tab.screenshot({ path, fullPage: !isDialogOpen, animations: 'disabled' });
  await profile.context.close();
  const kilobytes = Math.ceil(statSync(path).size / 1024);
  if (kilobytes > largestKilobytes) throw new Error(`${path} has ${kilobytes} KB`);
  console.log(`${path}  ${kilobytes} KB`);
}

try {
  await picture('log-in', async (tab) => {
    await tab.goto('/');
    await tab.getByRole('link', { name: logInLink }).waitFor();
  });
  await picture('simulator', async (tab) => {
    await tab.goto('/auth/login');
    await heading(tab, /simulator/);
  });
  await picture('signed-in', (tab) => signIn(tab, 'Amara Okafor'));
  await picture('several-roles', (tab) => signIn(tab, 'Callum Reid'));
  await picture('session-ending', async (tab) => {
    // The warning is real; only the moment for it is brought forward.
    await tab.route('**/auth/session', async (route: Route) => {
      const answer = await route.fetch();
      const session = (await answer.json()) as SessionJson;
      const from = Date.parse(session.serverTime);
      const at = new Date(from + 100_000).toISOString();
      const expires = { ...session.expires, at, idleAt: at, warnAt: session.serverTime };
      await route.fulfill({ json: { ...session, expires } });
    });
    await signIn(tab, 'Amara Okafor');
    await tab.getByRole('alertdialog').waitFor();
  });
  await picture('sign-in-refused', async (tab) => {
    await tab.goto('/auth/login');
    await choose(tab, 'Farah Siddiqui');
    await heading(tab, 'You need a stronger way to sign in');
  });
  await picture('signed-out', async (tab) => {
    await signIn(tab);
    await tab.getByRole('button', { name: 'Sign out' }).click();
    await heading(tab, 'You have signed out');
  });
} finally {
  await rig.stop();
}
