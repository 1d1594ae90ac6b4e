/** Shows the page that belongs to the address and to who is signed in, and keeps it true. */

import { Header } from 'nhsuk-frontend/dist/nhsuk/components/header/header.mjs';
import { BffError, signedInLately } from './bff.ts';
import type { ActiveSession, ListedSession, Role } from './bff.ts';
import { byId } from './dom.ts';
import { failureText } from './failures.ts';
import { noticesAt } from './notices.ts';
import { watchSession } from './session-watch.ts';
import type { State } from './session-watch.ts';
import { forgetSignIn, isOwnPath } from './sign-in.ts';
import { forgetAnswer, hasAnswered, otherSessions, rememberAnswer } from './views/other-sessions.ts';
import { notFound } from './views/not-found.ts';
import { chooseRole, rolePath } from './views/role.ts';
import { sessionsPath, signedInPlaces } from './views/sessions.ts';
import { signInFailed } from './views/sign-in-error.ts';
import { signedIn } from './views/signed-in.ts';
import { checking, ended, signedOut, unavailable, welcome } from './views/signed-out.ts';
import { stepUp, stepUpPath } from './views/step-up.ts';
import type { View } from './views/view.ts';
import { warningDialog } from './warning-dialog.ts';
import { endedElsewhere, fullName, roleInWords, timeOfDay } from './wording.ts';

const serviceName = 'Example ward service';
const signInErrorPath = '/sign-in-error';
const signedOutPath = '/signed-out';
/** Where the home page is shown as well, for deep links to lead somewhere: a real app has its own pages there. */
const deepLinks = /^\/(?:ward|patients|document)(?:\/|$)/;
const roleNotChanged = 'Your role was not changed';

if (byId('not-started', HTMLElement).dataset['isFinal'] !== undefined) {
  throw new Error('this browser lacks what the page needs');
}

const main = byId('maincontent', HTMLElement);
const viewPlace = byId('view', HTMLElement);
const menu = byId('menu', HTMLElement);
const account = byId('account', HTMLElement);
const accountName = byId('account-name', HTMLElement);
const signOutButton = byId('sign-out', HTMLButtonElement);

// The library's word for a browser that runs scripts.
document.body.classList.add('js-enabled', 'nhsuk-frontend-supported');
/** Puts the links that a narrow window has no place for into a menu. */
let header: Header | null = null;

let view: View = checking();
/** As `index.html` comes. */
let shownKey = 'checking';
let shownState: State = { kind: 'checking' };
let shownSession: ActiveSession | null = null;
/** Something else than "checking" has been shown since the page was loaded. */
let hasShownPage = false;
/** This tab itself is changing the role: it need not be told that the role has changed. */
let isChangingRole = false;

const notices = noticesAt(byId('notice', HTMLElement), byId('alert', HTMLElement), () => {
  main.focus();
});

/** Runs what a button asked for; a failure is told above the page, and gives `false`. */
async function attempt(heading: string, action: () => Promise<void>): Promise<boolean> {
  notices.clear();
  try {
    await action();
    return true;
  } catch (error) {
    if (!(error instanceof BffError)) throw error;
    notices.warn(heading, failureText(error));
    return false;
  }
}

const watch = watchSession((state) => {
  show(state);
});

async function extend(): Promise<void> {
  await watch.extend();
  if (shownSession === null) return;
  const { at } = shownSession.expires;
  notices.succeed(
    `Your session now ends at ${timeOfDay(at)}.`,
    (session) => session.expires.at.getTime() === at.getTime(),
  );
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
  notices.succeed(`You now work as ${roleInWords(role)}.`);
}

const endListed = async (others: readonly ListedSession[]): Promise<void> => {
  await attempt('Not everything was signed out', async () => {
    await watch.endSessions(others.map(({ handle }) => handle));
    notices.succeed(endedElsewhere(others));
  });
};

/** The answer to the question about other sessions: the page that was asked for comes next. */
function goOn(session: ActiveSession): void {
  rememberAnswer(session);
  show(shownState);
}

const endOthers = async (session: ActiveSession): Promise<void> => {
  let others: readonly ListedSession[] = [];
  const isDone = await attempt('You may still be signed in elsewhere', async () => {
    others = (await watch.listSessions()).filter(({ current }) => !current);
    await watch.endSessions(others.map(({ handle }) => handle));
  });
  if (!isDone) return;
  goOn(session);
  notices.succeed(endedElsewhere(others));
};

const signOut = (): void => {
  void attempt('You are still signed in', () => watch.signOut());
};

const isOutcomePage = (): boolean =>
  location.pathname === signInErrorPath || location.pathname === signedOutPath;
const pages = ['/', rolePath, sessionsPath, stepUpPath, signInErrorPath, signedOutPath];
const isPageMissing = (): boolean => !pages.includes(location.pathname) && !deepLinks.test(location.pathname);
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
  if (isPageMissing() && (state.kind === 'active' || state.kind === 'anonymous')) {
    return { key: `not-found ${state.kind === 'active' ? state.session.handle : ''}`, make: notFound };
  }
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
    notices.warn(
      'The session in this browser has changed',
      `This page now shows the session of ${fullName(now.user)}. Check that it is yours before you go on.`,
    );
  } else if (before.role?.roleId !== now.role?.roleId) {
    notices.inform(
      now.role === null
        ? 'Your role was changed in another tab. No role is chosen now.'
        : `Your role was changed in another tab. You now work as ${roleInWords(now.role)}.`,
    );
  } else {
    notices.inform('You signed in again in another tab. This page goes on with that sign-in.');
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
    // A notice stays until the person acts; what one person was told is never left for another, or for nobody, to read.
    if (session === null || session.user.uid !== before?.user.uid) notices.clear();
    if (before !== null && session !== null && before.handle !== session.handle && !isChangingRole) {
      tellChange(before, session);
    }
    // Where a page changes under the reader, or tells the outcome of something, the focus goes to what is new. Any
    // other page is read from its top when it is loaded.
    if (hasShownPage || isOutcomePage()) main.querySelector('h1')?.focus();
    if (state.kind !== 'checking') hasShownPage = true;
  } else if (session !== null) {
    view.update?.(session);
  }
  if (session !== null) notices.check(session);
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
  // The library measures the links, so they have to be there.
  if (session !== null) header ??= new Header(byId('header', HTMLElement));
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
