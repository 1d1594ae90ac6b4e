/** Shows the page that belongs to the address and to who is signed in, and keeps it true. */

import { BffError, signedInLately } from './bff.ts';
import type { ActiveSession, ListedSession, Role } from './bff.ts';
import { byId, h } from './dom.ts';
import { failureText } from './failures.ts';
import { watchSession } from './session-watch.ts';
import type { State } from './session-watch.ts';
import { forgetSignIn, isOwnPath } from './sign-in.ts';
import { forgetAnswer, hasAnswered, otherSessions, rememberAnswer } from './views/other-sessions.ts';
import { chooseRole, rolePath } from './views/role.ts';
import { sessionsPath, signedInPlaces } from './views/sessions.ts';
import { signInFailed } from './views/sign-in-error.ts';
import { signedIn } from './views/signed-in.ts';
import { checking, ended, signedOut, unavailable, welcome } from './views/signed-out.ts';
import { stepUp, stepUpPath } from './views/step-up.ts';
import type { View } from './views/view.ts';
import { warningDialog } from './warning-dialog.ts';
import { fullName, roleInWords, timeOfDay } from './wording.ts';

const serviceName = 'Example ward service';
const signInErrorPath = '/sign-in-error';
const signedOutPath = '/signed-out';
const roleNotChanged = 'Your role was not changed';

const main = byId('maincontent', HTMLElement);
const viewPlace = byId('view', HTMLElement);
const noticePlace = byId('notice', HTMLElement);
const alertPlace = byId('alert', HTMLElement);
const menu = byId('menu', HTMLElement);
const account = byId('account', HTMLElement);
const accountName = byId('account-name', HTMLElement);
const signOutButton = byId('sign-out', HTMLButtonElement);

let view: View = checking();
let shownKey = '';
let shownState: State = { kind: 'checking' };
let shownSession: ActiveSession | null = null;
/** Something else than "checking" has been shown since the page was loaded. */
let hasShownPage = false;
/** The end of the session that the notice on the page speaks of, in milliseconds since the epoch. */
let noticedEnd = 0;
/** This tab itself is changing the role: it need not be told that the role has changed. */
let isChangingRole = false;

const clearNotices = (): void => {
  noticePlace.replaceChildren();
  alertPlace.replaceChildren();
};

const banner = (title: string, classes: string, text: string): void => {
  clearNotices();
  noticePlace.append(
    h(
      'div',
      { class: `nhsuk-notification-banner ${classes}`.trim() },
      h(
        'div',
        { class: 'nhsuk-notification-banner__header' },
        h('h2', { class: 'nhsuk-notification-banner__title' }, title),
      ),
      h(
        'div',
        { class: 'nhsuk-notification-banner__content' },
        h('p', { class: 'nhsuk-notification-banner__heading' }, text),
      ),
    ),
  );
};

const notify = (text: string): void => {
  banner('Success', 'nhsuk-notification-banner--success', text);
};
const inform = (text: string): void => {
  banner('Important', '', text);
};

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

/** Runs what a button asked for; a failure is told above the page, and gives `false`. */
async function attempt(heading: string, action: () => Promise<void>): Promise<boolean> {
  try {
    await action();
    return true;
  } catch (error) {
    if (!(error instanceof BffError)) throw error;
    warn(heading, failureText(error));
    return false;
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

async function changeRole(role: Role): Promise<void> {
  isChangingRole = true;
  try {
    await watch.changeRole(role.roleId);
  } finally {
    isChangingRole = false;
  }
  if (shownSession?.role?.roleId !== role.roleId) return;
  if (location.pathname === rolePath) {
    history.replaceState(null, '', '/');
    show(shownState);
  }
  notify(`You now work as ${roleInWords(role)}.`);
}

const endListed = async (others: readonly ListedSession[]): Promise<void> => {
  await attempt('Not everything was signed out', async () => {
    await watch.endSessions(others.map(({ handle }) => handle));
    notify(others.length === 1 ? 'Signed out there.' : 'Signed out everywhere else.');
  });
};

/** The answer to the question about other sessions: the page that was asked for comes next. */
function goOn(session: ActiveSession): void {
  rememberAnswer(session);
  show(shownState);
}

const endOthers = async (session: ActiveSession): Promise<void> => {
  let places = 0;
  const isDone = await attempt('You may still be signed in elsewhere', async () => {
    const others = (await watch.listSessions()).filter(({ current }) => !current);
    await watch.endSessions(others.map(({ handle }) => handle));
    places = others.length;
  });
  if (!isDone) return;
  goOn(session);
  notify(places === 0 ? 'You were no longer signed in elsewhere.' : 'Signed out there.');
};

const signOut = (): void => {
  void attempt('You are still signed in', () => watch.signOut());
};

const isOutcomePage = (): boolean =>
  location.pathname === signInErrorPath || location.pathname === signedOutPath;
/** The address this page was opened with, where a sign-in can come back to it. */
const here = (): string => {
  const path = location.pathname + location.search;
  return isOwnPath(path) ? path : '/';
};

interface Page {
  /** Two states with the same key show the same page, and only its clocks move. */
  readonly key: string;
  readonly make: () => View;
}

/** The page of somebody who is signed in. */
function chooseActive(session: ActiveSession): Page {
  const lately = signedInLately(session) ? 'lately' : 'long ago';
  switch (location.pathname) {
    case rolePath:
      return {
        key: `role ${session.handle}`,
        make: () => chooseRole(session, '/', (role) => void attempt(roleNotChanged, () => changeRole(role))),
      };
    case sessionsPath:
      return {
        key: `sessions ${session.handle} ${lately}`,
        make: () => signedInPlaces(session, { list: () => watch.listSessions(), end: endListed, signOut }),
      };
    case stepUpPath:
      return { key: `step-up ${session.handle} ${lately}`, make: () => stepUp(session, here()) };
  }
  if (session.otherSessions > 0 && !hasAnswered(session)) {
    return {
      key: `other-sessions ${session.handle}`,
      make: () =>
        otherSessions(session, {
          endOthers: () => void endOthers(session),
          keep: () => {
            goOn(session);
          },
        }),
    };
  }
  if (session.role === null && session.roles.length > 0) {
    return {
      key: `choose-role ${session.handle}`,
      make: () => chooseRole(session, here(), (role) => void attempt(roleNotChanged, () => changeRole(role))),
    };
  }
  return {
    key: `active ${session.handle}`,
    make: () =>
      signedIn(session, here(), { extend: () => void attempt('Your session was not extended', extend) }),
  };
}

function choose(state: State): Page {
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
            make: () => ended(state.reason, state.reference, isSignedOutPage ? '/' : here()),
          };
    case 'active':
      return chooseActive(state.session);
  }
}

/** The session that this page showed has become another one, and not by anything done in this tab. */
function tellChange(before: ActiveSession, now: ActiveSession): void {
  if (before.user.uid !== now.user.uid) {
    warn(
      'The session in this browser has changed',
      `This page now shows the session of ${fullName(now.user)}. Check that it is yours before you go on.`,
    );
  } else if (before.role?.roleId !== now.role?.roleId) {
    inform(
      now.role === null
        ? 'Your role was changed in another tab. No role is chosen now.'
        : `Your role was changed in another tab. You now work as ${roleInWords(now.role)}.`,
    );
  } else {
    inform('You logged in again in another tab. This page goes on with that sign-in.');
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
    if (before !== null && session !== null && before.handle !== session.handle && !isChangingRole) {
      tellChange(before, session);
    }
    // Where a page changes under the reader, or tells the outcome of something, the focus goes to what is new. Any
    // other page is read from its top when it is loaded.
    if (hasShownPage || isOutcomePage()) main.querySelector('h1')?.focus();
    if (state.kind !== 'checking') hasShownPage = true;
  } else if (session !== null) {
    view.update?.(session);
    if (session.expires.at.getTime() !== noticedEnd) noticePlace.replaceChildren();
  }
  // What this tab kept of a sign-in has served its purpose.
  if (
    location.pathname === signedOutPath ||
    (session !== null && shownSession === null && location.pathname !== signInErrorPath)
  ) {
    forgetSignIn();
  }
  if (state.kind === 'ended' || state.kind === 'anonymous') forgetAnswer();
  shownState = state;
  shownSession = session;

  const name = session === null ? '' : fullName(session.user);
  if (accountName.textContent !== name) accountName.textContent = name;
  account.hidden = menu.hidden = session === null;
  for (const link of menu.querySelectorAll('a')) {
    if (link.pathname === location.pathname) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }

  const title = state.kind === 'active' && state.endsSoon ? 'You will be signed out soon' : view.title;
  const fullTitle = `${title} – ${serviceName}`;
  if (document.title !== fullTitle) document.title = fullTitle;

  showWarning(state);
}

signOutButton.addEventListener('click', signOut);
byId('skip-link', HTMLAnchorElement).addEventListener('click', (event) => {
  event.preventDefault();
  main.focus();
});

show({ kind: 'checking' });
void watch.check();
