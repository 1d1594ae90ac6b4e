/**
 * Runs the client library and the demo in Firefox and in WebKitGTK. No part of `npm test`, which has Chromium alone. Arguments
 * choose engines and flows: `npm run engines -- webkit draft`.
 */
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { buildLibraryPage } from '../support/library-page.ts';
import type { Engine } from './engine.ts';
import { startFirefox } from './firefox.ts';
import { flows, idleSeconds, type Flow } from './flows.ts';
import { makeCertificate, TlsProduct } from './tls-product.ts';
import { findMiniBrowser, startWebKit } from './webkit.ts';

const maxFlowMs = 300_000;
const engines = { firefox: startFirefox, webkit: startWebKit };
type EngineName = keyof typeof engines;
const allEngines = Object.keys(engines) as EngineName[];

const words = process.argv.slice(2);
const named = allEngines.filter((name) => words.includes(name));
const chosenEngines = named.length > 0 ? named : allEngines;
const flowWords = words.filter((word) => !(word in engines));
const chosenFlows = flows.filter(({ name }) => flowWords.every((word) => name.includes(word)));

const isThere = (command: string): boolean => spawnSync('which', [command]).status === 0;
const needed: Readonly<Record<EngineName, readonly string[]>> = {
  firefox: ['firefox-esr'],
  webkit: ['WebKitWebDriver', 'Xvfb'],
};
const missing = [...chosenEngines.flatMap((name) => needed[name]), 'openssl'].filter(
  (command) => !isThere(command),
);
if (chosenEngines.includes('webkit') && findMiniBrowser() === undefined) missing.push('MiniBrowser');
if (missing.length > 0 || chosenFlows.length === 0) {
  console.error(
    missing.length > 0
      ? `engines: not found: ${missing.join(', ')}. On Debian and Ubuntu:\n  apt-get install firefox-esr webkit2gtk-driver xvfb openssl`
      : 'engines: no flow has these words in its name',
  );
  process.exit(2);
}

const folder = await mkdtemp(path.join(tmpdir(), 'engines-'));
const certificate = makeCertificate(folder);
const page = path.join(folder, 'page');
await buildLibraryPage(page);
const products: Readonly<Record<Flow['on'], () => Promise<TlsProduct>>> = {
  demo: () => TlsProduct.start(certificate),
  'short demo': () => TlsProduct.start(certificate, { 'idle-seconds': idleSeconds }),
  'short library page': () => TlsProduct.start(certificate, { 'idle-seconds': idleSeconds, spa: page }),
};

let passed = 0;
let failed = 0;
const versions: string[] = [];

async function runFlow(engine: Engine, product: TlsProduct, flow: Flow): Promise<void> {
  const started = Date.now();
  const notes: string[] = [];
  const profile = await engine.profile();
  let failure = '';
  try {
    await Promise.race([
      flow.run({ product, profile, note: (text) => notes.push(text) }),
      sleep(maxFlowMs, undefined, { ref: false }).then(() => {
        throw new Error(`not done after ${String(maxFlowMs / 1000)} s`);
      }),
    ]);
  } catch (error) {
    failure = error instanceof Error ? error.message : String(error);
  }
  try {
    const complaints = (await profile.complaints()).filter((text) => flow.forgive?.test(text) !== true);
    if (complaints.length > 0) failure += `\nthe browser complained:\n${complaints.join('\n')}`;
  } finally {
    await profile.close();
  }
  const seconds = Math.round((Date.now() - started) / 1000);
  console.log(`${failure === '' ? 'pass' : 'FAIL'}  ${engine.name}: ${flow.name} (${String(seconds)} s)`);
  for (const note of notes) console.log(`      ${note}`);
  if (failure === '') passed += 1;
  else {
    failed += 1;
    console.log(failure.trim().replace(/^/gm, '      '));
  }
}

try {
  for (const name of chosenEngines) {
    const engineFolder = path.join(folder, name);
    await mkdir(engineFolder);
    const engine = await engines[name](engineFolder);
    versions.push(`${engine.name} ${engine.version}`);
    try {
      for (const [kind, start] of Object.entries(products)) {
        const mine = chosenFlows.filter(({ on }) => on === kind);
        if (mine.length === 0) continue;
        const product = await start();
        try {
          for (const flow of mine) await runFlow(engine, product, flow);
        } finally {
          await product.stop();
        }
      }
    } finally {
      await engine.close();
    }
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
console.log(`\n${String(passed)} passed, ${String(failed)} failed, in ${versions.join(' and ')}`);
process.exitCode = failed > 0 ? 1 : 0;
