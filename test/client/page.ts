/** A page of the built library before the real product: its script, its React, and the policy of the real documents. */
import { join } from 'node:path';
import { build } from 'esbuild';
import type { BrowserContext, Page } from 'playwright-core';

const root = join(import.meta.dirname, '../..');

const bundle = async (source: string): Promise<string> => {
  const { outputFiles } = await build({
    stdin: { contents: source, resolveDir: root, loader: 'ts' },
    ...{ bundle: true, format: 'esm', target: 'es2022', write: false },
    define: { 'process.env.NODE_ENV': '"development"' },
  });
  return outputFiles[0]?.text ?? '';
};

/** Plain JavaScript: the state as text, every state in a list, and the dialog. */
const plain = `
import { createBff } from './client/index.ts';
import { welsh } from './client/timeout-dialog/index.ts';
const bff = createBff();
const states = [];
const show = () => {
  const state = bff.session.get();
  states.push(state.status);
  document.querySelector('#state').textContent =
    state.status === 'active' ? 'active ' + state.user.name + ' ' + (state.role?.roleId ?? 'no role') : state.status + ' ' + (state.reason ?? '');
};
bff.session.subscribe(show);
show();
const dialog = document.querySelector('bff-timeout-dialog');
dialog.client = bff;
if (location.search === '?welsh') dialog.texts = welsh;
Object.assign(window, { bff, states, dialog });
`;

const react = `
import { StrictMode, createElement as h } from 'react';
import { createRoot } from 'react-dom/client';
import { createBff } from './client/index.ts';
import { BffProvider, RequireRole, RequireSession, TimeoutDialog, useBff, useSession } from './client/react/index.ts';
const bff = createBff();
function Name() {
  const { user, role } = useSession();
  const { chooseRole, signOut } = useBff();
  const state = useSession();
  return h('div', null,
    h('p', { id: 'state' }, 'active ' + user.name),
    h(RequireRole, { fallback: h('button', { onClick: () => chooseRole(state.roles[0].roleId) }, 'Choose') }, h('p', null, 'working')),
    h('button', { onClick: () => signOut() }, 'Leave'));
}
const isOpen = location.pathname.startsWith('/react/open');
const fallback = isOpen ? { fallback: h('p', { id: 'state' }, 'fallback') } : {};
createRoot(document.querySelector('#root')).render(
  h(StrictMode, null, h(BffProvider, { client: bff }, h(RequireSession, fallback, h(Name)), h(TimeoutDialog))));
Object.assign(window, { bff });
`;

const html = (script: string, body: string): string => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>A page of an app</title>
<meta name="viewport" content="width=device-width"><link rel="icon" href="/favicon.svg">
<script type="module" src="${script}"></script></head><body>${body}</body></html>`;

const documents = {
  plain: html(
    '/test-plain.js',
    '<main><h1>Ward</h1><p id="state"></p><button id="mine">Record</button><input aria-label="Note"></main><bff-timeout-dialog></bff-timeout-dialog>',
  ),
  react: html('/test-react.js', '<main id="root"></main>'),
};

let scripts: Promise<{ plain: string; react: string }> | undefined;

/** Has every document under `/plain` and `/react` be one of ours, with the headers of the app's own documents. */
export async function servePages(context: BrowserContext, baseUrl: string): Promise<void> {
  scripts ??= Promise.all([bundle(plain), bundle(react)]).then(([first, second]) => ({
    plain: first,
    react: second,
  }));
  const built = await scripts;
  const real = await fetch(baseUrl);
  const policy = real.headers.get('content-security-policy') ?? '';
  if (!policy.includes('default-src')) throw new Error('the documents have no policy');
  const headers = { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': policy };
  await context.route(/^[^?]*\/(plain|react)(\/[^?]*)?(\?.*)?$/, (route) => {
    const { pathname } = new URL(route.request().url());
    return route.fulfill({ headers, body: documents[pathname.startsWith('/react') ? 'react' : 'plain'] });
  });
  await context.route(/\/test-(plain|react)\.js$/, (route) =>
    route.fulfill({
      contentType: 'text/javascript',
      body: built[route.request().url().includes('react') ? 'react' : 'plain'],
    }),
  );
}

/** Waits for the page to say so. */
export const says = (tab: Page, text: string, timeout = 15_000): Promise<void> =>
  tab.locator('#state', { hasText: text }).waitFor({ timeout, state: 'attached' });
