/**
 * Makes `docs/images/demo.webp`, the animated picture of the README: somebody signs in, finds a patient and opens the record.
 * `node test/browser/animation.ts` makes it, `… FOLDER` the single frames too, to look at. It needs `img2webp`, of Debian's
 * package `webp`.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Locator, Page } from 'playwright-core';
import { heading, Rig, signInButtonName } from './rig.ts';

const [, , framesFolder] = process.argv;
const output = join(import.meta.dirname, '../../docs/images/demo.webp');
const folder = framesFolder ?? mkdtempSync(join(tmpdir(), 'animation-'));
mkdirSync(folder, { recursive: true });
const maxKilobytes = 900;

const frames: { readonly path: string; readonly milliseconds: number }[] = [];

async function frame(tab: Page, milliseconds: number): Promise<void> {
  const path = join(folder, `${String(frames.length).padStart(2, '0')}.png`);
  await tab.screenshot({ path, animations: 'disabled', caret: 'hide' });
  frames.push({ path, milliseconds });
}

/** A pointer of our own: a picture of a page has none. */
const movePointer = (tab: Page, x: number, y: number): Promise<unknown> =>
  tab.evaluate(`{
    const pointer = document.getElementById('pointer') ?? document.createElement('div');
    pointer.id = 'pointer';
    Object.assign(pointer.style, {
      position: 'fixed', left: '${x - 18}px', top: '${y - 18}px', width: '32px', height: '32px', zIndex: '1000',
      border: '2px solid white', borderRadius: '50%', background: 'rgba(33, 43, 50, 0.6)', pointerEvents: 'none',
    });
    document.body.append(pointer);
  }`);

let [x, y] = [640, 760];

/** The page, the pointer on its way to the target, and the click. */
async function click(tab: Page, target: Locator, readMilliseconds: number): Promise<void> {
  await movePointer(tab, x, y);
  await frame(tab, readMilliseconds);
  await target.scrollIntoViewIfNeeded();
  const box = await target.boundingBox();
  if (box === null) throw new Error('there is nothing to click');
  const [toX, toY] = [box.x + Math.min(box.width / 2, 120), box.y + box.height / 2];
  const steps = 5;
  for (let step = 1; step <= steps; step += 1) {
    await movePointer(tab, x + ((toX - x) * step) / steps, y + ((toY - y) * step) / steps);
    await frame(tab, step === steps ? 500 : 60);
  }
  [x, y] = [toX, toY];
  await target.click();
}

// Port 3000, the product's usual address: the pages name it.
const rig = await Rig.start({ port: 3000 });
try {
  const viewport = { width: 1280, height: 800 };
  const profile = await rig.ownProfile({ viewport, deviceScaleFactor: 0.7 });
  const tab = await profile.tab();
  await tab.goto('/');
  await click(tab, tab.getByRole('button', { name: signInButtonName }), 1_200);
  await heading(tab, /simulator/);
  await click(tab, tab.getByRole('button', { name: 'Amara Okafor' }), 1_800);
  await heading(tab, 'Find a patient');
  await click(tab, tab.getByRole('button', { name: 'Find' }), 1_200);
  const patient = tab.getByRole('link', { name: 'Mr Jasper Marchbanks' });
  await patient.waitFor();
  await click(tab, patient, 1_200);
  await heading(tab, 'Mr Jasper Marchbanks');
  await movePointer(tab, x, y);
  await frame(tab, 2_500);

  const each = frames.flatMap(({ path, milliseconds }) => ['-d', String(milliseconds), '-lossless', path]);
  execFileSync('img2webp', ['-loop', '0', '-min_size', '-o', output, ...each]);
  const seconds = frames.reduce((sum, { milliseconds }) => sum + milliseconds, 0) / 1_000;
  const kilobytes = Math.ceil(statSync(output).size / 1024);
  console.log(`${output}  ${frames.length} frames, ${seconds} s, ${kilobytes} KB`);
  if (kilobytes > maxKilobytes) throw new Error(`${output} has ${kilobytes} KB`);
} finally {
  await rig.stop();
  if (framesFolder === undefined) rmSync(folder, { recursive: true });
}
