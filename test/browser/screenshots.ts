/**
 * Makes pictures of the real pages. `node test/browser/screenshots.ts` makes those of the documentation, at the product's
 * usual address (port 3000 must be free), each on a laptop and on a phone; `… FOLDER WIDTH` makes others, as high as the pages are, to
 * look at.
 */
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Locator, Page } from 'playwright-core';
import { respondWith, choose, heading, signInButtonName, lookAgain, Rig, signIn } from './rig.ts';

const [, , otherFolder, otherWidth] = process.argv;
const folder = otherFolder ?? join(import.meta.dirname, '../../docs/images');
const widths = otherWidth === undefined ? [1280, 375] : [Number(otherWidth)];
const iPad =
  'Mozilla/5.0 (iPad; CPU OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1';
const maxKilobytes = otherFolder === undefined ? 150 : Infinity;

mkdirSync(folder, { recursive: true });
let width: number;
let rig: Rig;

/**
 * One picture.
 *
 * @param reach - leads a new visitor's tab there
 * @param last - the last thing to be seen of a page that is too long to be shown whole
 */
async function picture(
  name: string,
  reach: (tab: Page) => Promise<unknown>,
  last?: (tab: Page) => Locator,
): Promise<void> {
  const profile = await rig.ownProfile({ viewport: { width, height: 640 } });
  const tab = await profile.tab();
  await reach(tab);
  const path = join(folder, `${name}-${String(width)}.png`);
  const box = otherFolder === undefined ? await last?.(tab).boundingBox() : undefined;
  const isWarning = (await tab.getByRole('alertdialog').count()) > 0;
  const pageHeight = await tab.evaluate<number>('document.documentElement.scrollHeight');
  // A dialog stands in the middle of the window, whatever the page behind it is.
  const height = isWarning ? 640 : box ? Math.ceil(box.y + box.height) + 16 : pageHeight;
  await tab.screenshot({
    path,
    fullPage: true,
    animations: 'disabled',
    clip: { x: 0, y: 0, width, height },
  });
  await profile.context.close();
  const kilobytes = Math.ceil(statSync(path).size / 1024);
  if (kilobytes > maxKilobytes) throw new Error(`${path} has ${kilobytes} KB`);
  console.log(`${path}  ${kilobytes} KB`);
}

async function makePictures(): Promise<void> {
  await picture('log-in', async (tab) => {
    await tab.goto('/');
    await tab.getByRole('button', { name: signInButtonName }).waitFor();
  });
  await picture(
    'simulator',
    async (tab) => {
      await tab.goto('/auth/login');
      await heading(tab, /simulator/);
    },
    (tab) => tab.getByRole('listitem').filter({ hasText: 'Callum Reid' }),
  );
  await picture('signed-in', async (tab) => {
    await signIn(tab, 'Amara Okafor');
    await tab.getByRole('button', { name: 'Find' }).click();
    await tab.getByRole('link', { name: 'Mr Jasper Marchbanks' }).waitFor();
  });
  await picture('patient', async (tab) => {
    await signIn(tab, 'Amara Okafor', '/patients/9000000017');
    await heading(tab, 'Mr Jasper Marchbanks');
  });
  await picture('address', async (tab) => {
    await signIn(tab, 'Amara Okafor', '/patients/9000000017/address');
    await heading(tab, 'Change address');
  });
  await picture(
    'choose-role',
    (tab) => signIn(tab, 'Callum Reid'),
    (tab) => tab.getByRole('button', { name: 'Continue' }),
  );
  await picture(
    'sessions',
    async (tab) => {
      await signIn(await (await rig.ownProfile({ userAgent: iPad })).tab(), 'Devika Shah');
      await signIn(tab, 'Devika Shah', '/sessions');
      await tab.getByText('This device', { exact: true }).waitFor();
    },
    (tab) => tab.locator('main li').last(),
  );
  await picture('session-ending', async (tab) => {
    // The warning is real; only the moment for it is brought forward.
    await respondWith(tab, (session) => {
      if (session.status !== 'active') return session;
      const at = new Date(Date.parse(session.serverTime) + 100_000).toISOString();
      return { ...session, expires: { ...session.expires, at, idleAt: at, warnAt: session.serverTime } };
    });
    await signIn(tab, 'Amara Okafor');
    await tab.getByRole('alertdialog').waitFor();
  });
  await picture('sign-in-refused', async (tab) => {
    await tab.goto('/auth/login');
    await choose(tab, 'Farah Siddiqui');
    await heading(tab, 'You need a stronger way to sign in');
  });
  await picture('smartcard-removed', async (tab) => {
    await signIn(tab, 'Amara Okafor', '/patients/9000000017');
    await rig.controlPanel('pull', { uid: '900000000001' });
    await lookAgain(tab);
    await heading(tab, /Care Identity session ended/);
  });
  await picture('signed-out', async (tab) => {
    await signIn(tab);
    await tab.getByRole('button', { name: 'Sign out' }).click();
    await heading(tab, 'You have signed out');
  });
}

for (width of widths) {
  // Nobody is signed in yet.
  rig = await Rig.start({ port: otherFolder === undefined ? 3000 : 0 });
  try {
    await makePictures();
  } finally {
    await rig.stop();
  }
}
