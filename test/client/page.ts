/** Pages on the library, for the tests in a browser: `/react…` in React, every other one without a framework. */
import { createElement as h, StrictMode, type ReactElement } from 'react';
import { createRoot } from 'react-dom/client';
import { keepDraft } from '../../client/draft/index.ts';
import { createBff } from '../../client/index.ts';
import {
  BffProvider,
  RequireRole,
  RequireSession,
  TimeoutDialog,
  useSession,
} from '../../client/react/index.ts';
import { welsh } from '../../client/timeout-dialog/index.ts';

const bff = createBff();
/** Status → when it was first seen in its turn, in milliseconds since the epoch. */
const seen: [status: string, time: number][] = [];
Object.assign(globalThis, { bff, seen });

const nameNow = (): string => {
  const state = bff.session.get();
  return state.status === 'active' ? state.user.name : '';
};

function showPlain(root: HTMLElement): void {
  root.innerHTML =
    '<h1>Plain page</h1><p id="status"></p><p id="account-name"></p><label>Note <input id="note"></label>' +
    '<form id="letter"><input name="subject" aria-label="Subject" value="Letter"><textarea name="text" aria-label="Text"></textarea>' +
    '<label><input type="checkbox" name="to" value="gp">GP</label><label><input type="checkbox" name="to" value="ward">Ward</label>' +
    '<label><input type="radio" name="how" value="post" checked>Post</label><label><input type="radio" name="how" value="email">E-mail</label>' +
    '<select name="kind" aria-label="Kind"><option>referral<option>discharge</select>' +
    '<input name="pin" type="password" aria-label="PIN" autocomplete="off"><input name="own" data-no-draft aria-label="Own"></form>';
  const dialog = document.createElement('bff-timeout-dialog');
  dialog.client = bff;
  if (location.search === '?cy') dialog.texts = welsh;
  root.append(dialog);
  const write = (id: string, text: string): void => {
    const element = document.getElementById(id);
    if (element !== null) element.textContent = text;
  };
  const show = (): void => {
    const { status } = bff.session.get();
    if (seen.at(-1)?.[0] !== status) seen.push([status, Date.now()]);
    write('status', status);
    write('account-name', nameNow());
  };
  bff.session.subscribe(show);
  show();
  const form = document.querySelector('form');
  if (form !== null) Object.assign(globalThis, { draft: keepDraft(bff, form) });
}

function Person(): ReactElement | null {
  const state = useSession();
  return state.status === 'active' ? h('p', { id: 'account-name' }, state.user.name) : null;
}

function showReact(root: HTMLElement): void {
  const fallback = location.pathname === '/react' ? { fallback: h('p', {}, 'Nobody is signed in') } : {};
  const app = h(
    BffProvider,
    { client: bff },
    h('h1', {}, 'React page'),
    h(
      RequireSession,
      fallback,
      h(Person),
      h(RequireRole, { fallback: h('p', {}, 'No role is chosen') }, h('p', {}, 'A role is chosen')),
    ),
    h(TimeoutDialog),
  );
  createRoot(root).render(h(StrictMode, {}, app));
}

const root = document.querySelector('main') ?? document.body;
/** Built from the documentation. */
const example = '/assets/example.js';
if (location.pathname === '/example') await import(example);
else if (location.pathname.startsWith('/react')) showReact(root);
else showPlain(root);
