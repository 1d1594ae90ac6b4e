/** Shows the page that belongs to the address and to who is signed in, and keeps it true. */

import { BffError } from './bff.ts';
import type { ActiveSession } from './bff.ts';
import { byId, h } from './dom.ts';
import { failureText } from './failures.ts';
import { watchSession } from './session-watch.ts';
import type { State } from './session-watch.ts';
import { signInFailed } from './views/sign-in-error.ts';
import { signedIn } from './views/signed-in.ts';
import { checking, ended, signedOut, unavailable, welcome } from './views/signed-out.ts';
import type { View } from './views/view.ts';
import { warningDialog } from './warning-dialog.ts';
import { fullName, timeOfDay } from './wording.ts';

const serviceName = 'Example ward service';
const signInErrorPath = '/sign-in-error';
const signedOutPath = '/signed-out';

const main = byId('maincontent', HTMLElement);
const viewPlace = byId('view', HTMLElement);
const noticePlace = byId('notice', HTMLElement);
const alertPlace = byId('alert', HTMLElement);
const account = byId('account', HTMLElement);
const accountName = byId('account-name', HTMLElement);
const signOutButton = byId('sign-out', HTMLButtonElement);

let view: View = checking();
let shownKey = '';
let shownSession: ActiveSession | null = null;
/** Something else than "checking" has been shown since the page was loaded. */
let hasShownPage = false;
/** The end of the session that the notice on the page speaks of, in milliseconds since the epoch. */
let noticedEnd = 0;

const clearNotices = (): void => {
  noticePlace.replaceChildren();
  alertPlace.replaceChildren();
};

function notify(text: string): void {
  clearNotices();
  noticePlace.append(
    h(
      'div',
      { class: 'nhsuk-notification-banner nhsuk-notification-banner--success' },
      h(
        'div',
        { class: 'nhsuk-notification-banner__header' },
        h('h2', { class: 'nhsuk-notification-banner__title' }, 'Success'),
      ),
      h(
        'div',
        { class: 'nhsuk-notification-banner__content' },
        h('p', { class: 'nhsuk-notification-banner__heading' }, text),
      ),
    ),
  );
}

function warn(heading: string, text: string): void {
  clearNotices();
  alertPlace.append(
    h(
      'div',
      { class: 'nhsuk-error-summary' },
      h('h2', { class: 'nhsuk-error-summary__heading' }, heading),
      h('div', { class: 'nhsuk-error-summary__body' }, h('p', {}, text)),
    ),
  );
}

/** Runs what a button asked for; a failure is told above the page. */
async function attempt(heading: string, action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (error) {
    if (!(error instanceof BffError)) throw error;
    warn(heading, failureText(error));
  }
}

const watch = watchSession((state) => {
  show(state);
});

async function extend(): Promise<void> {
  await watch.extend();
  if (shownSession === null) return;
  notify(`Your session now ends at ${timeOfDay(shownSession.expires.at)}.`);
  noticedEnd = shownSession.expires.at.getTime();
}

const showWarning = warningDialog({ extend, signOut: () => watch.signOut() });

const isOutcomePage = (): boolean =>
  location.pathname === signInErrorPath || location.pathname === signedOutPath;
/** The address this page was opened with, where a sign-in can come back to it: the longest the backend takes is 1,024 bytes. */
const here = (): string => {
  const path = location.pathname + location.search;
  return path.startsWith('//') || path.length > 1_024 ? '/' : path;
};

/** Which page it is. Two states with the same key show the same page, and only its clocks move. */
function choose(state: State): { readonly key: string; readonly make: () => View } {
  if (location.pathname === signInErrorPath) {
    const session = state.kind === 'active' ? state.session : null;
    return {
      key: `sign-in-error ${session?.handle ?? ''}`,
      make: () => signInFailed(location.search, session),
    };
  }
  const isSignedOutPage = location.pathname === signedOutPath;
  switch (state.kind) {
    case 'checking':
      return { key: 'checking', make: checking };
    case 'unavailable':
      return {
        key: `unavailable ${state.failure.code} ${state.failure.reference ?? ''}`,
        make: () => unavailable(state.failure, () => void watch.check()),
      };
    case 'anonymous':
      return isSignedOutPage
        ? { key: 'signed-out', make: signedOut }
        : { key: 'welcome', make: () => welcome(here()) };
    case 'ended':
      return isSignedOutPage && (state.reason === null || state.reason === 'signed_out')
        ? { key: 'signed-out', make: signedOut }
        : {
            key: `ended ${state.reason ?? ''}`,
            make: () => ended(state.reason, isSignedOutPage ? '/' : here()),
          };
    case 'active':
      return {
        key: `active ${state.session.handle}`,
        make: () =>
          signedIn(state.session, here(), {
            extend: () => void attempt('Your session was not extended', extend),
          }),
      };
  }
}

function show(state: State): void {
  const session = state.kind === 'active' ? state.session : null;
  // The page that confirms a sign-out would be untrue for somebody who has signed in since.
  if (session !== null && location.pathname === signedOutPath) history.replaceState(null, '', '/');
  const { key, make } = choose(state);
  if (key !== shownKey) {
    const before = shownSession;
    shownKey = key;
    view = make();
    viewPlace.replaceChildren(...view.content);
    clearNotices();
    if (before !== null && session !== null && before.handle !== session.handle) {
      warn(
        'The session in this browser has changed',
        `This page now shows the session of ${fullName(session.user)}. Check that it is yours before you go on.`,
      );
    }
    // Where a page changes under the reader, or tells the outcome of something, the focus goes to what is new. Any
    // other page is read from its top when it is loaded.
    if (hasShownPage || isOutcomePage()) main.querySelector('h1')?.focus();
    if (state.kind !== 'checking') hasShownPage = true;
  } else if (session !== null) {
    view.update?.(session);
    if (session.expires.at.getTime() !== noticedEnd) noticePlace.replaceChildren();
  }
  shownSession = session;

  const name = session === null ? '' : fullName(session.user);
  if (accountName.textContent !== name) accountName.textContent = name;
  account.hidden = session === null;

  const title = state.kind === 'active' && state.endsSoon ? 'You will be signed out soon' : view.title;
  const fullTitle = `${title} – ${serviceName}`;
  if (document.title !== fullTitle) document.title = fullTitle;

  showWarning(state);
}

signOutButton.addEventListener('click', () => {
  void attempt('You are still signed in', () => watch.signOut());
});
byId('skip-link', HTMLAnchorElement).addEventListener('click', (event) => {
  event.preventDefault();
  main.focus();
});

show({ kind: 'checking' });
void watch.check();
