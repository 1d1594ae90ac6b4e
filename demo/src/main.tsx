/** Shows the page that belongs to the address and to who is signed in. The client library keeps that true. */
import { useEffect, useRef, useState, type ReactNode } from 'react';
import { createRoot } from 'react-dom/client';
import { sessionEvents } from '../../client/events/index.ts';
import { createBff, type ActiveState } from '../../client/index.ts';
import { BffProvider, RequireSession, TimeoutDialog, useBff, useSession } from '../../client/react/index.ts';
import { Button, ShellContext, useAttempt, type Notice } from './parts.tsx';
import { AddressPage, FindPage, RecordPage } from './patients.tsx';
import { RolePage } from './role.tsx';
import { forgetAnswer, isToBeAsked, OtherSessionsPage, SessionsPage } from './sessions.tsx';
import { NotFound, Outside, SignInFailed } from './signed-out.tsx';
import { tabStorage } from './tab-storage.ts';
import { fullName, organisationAndCode, roleInWords } from './wording.ts';

if (document.getElementById('not-started')?.dataset['isFinal'] !== undefined)
  throw new Error('this browser lacks what the page needs');

const menu = { '/': 'Find a patient', '/role': 'Your role', '/sessions': 'Where you are signed in' };
const patientPath = /^\/patients\/(\d{10})(\/address)?$/;
const isMissing = (path: string): boolean =>
  !(path in menu) && !['/sign-in-error', '/signed-out'].includes(path) && !patientPath.test(path);

function Inside({ session, path }: { readonly session: ActiveState; readonly path: string }): ReactNode {
  if (isMissing(path)) return <NotFound />;
  if (path === '/sessions') return <SessionsPage session={session} />;
  if (path !== '/role' && isToBeAsked(session)) return <OtherSessionsPage session={session} />;
  if (path === '/role' || session.role === null) return <RolePage session={session} />;
  const [, id, isAddress] = patientPath.exec(path) ?? [];
  if (id === undefined) return <FindPage />;
  return isAddress ? <AddressPage id={id} /> : <RecordPage id={id} />;
}

/** What to say when the session has become another one, and not by anything done in this tab. */
function changeBetween(before: ActiveState, now: ActiveState): Notice {
  if (before.user.uid !== now.user.uid) {
    const text = `This page now shows the session of ${fullName(now.user)}. Check that it is yours before you go on.`;
    return { kind: 'Error', heading: 'The session in this browser has changed', text };
  }
  if (before.role?.roleId === now.role?.roleId)
    return {
      kind: 'Important',
      text: 'You signed in again in another tab. This page goes on with that sign-in.',
    };
  const role = now.role === null ? 'No role is chosen now.' : `You now work as ${roleInWords(now.role)}.`;
  return { kind: 'Important', text: `Your role was changed in another tab. ${role}` };
}

function Notices({ notice, hide }: { readonly notice: Notice | null; readonly hide: () => void }) {
  const isError = notice?.kind === 'Error';
  const button = (
    <Button kind="secondary" onClick={hide}>
      Hide this message
    </Button>
  );
  return (
    <>
      <div id="notice" role="status">
        {notice && !isError && (
          <div
            className={`nhsuk-notification-banner ${notice.kind === 'Success' ? 'nhsuk-notification-banner--success' : ''}`}
          >
            <div className="nhsuk-notification-banner__header">
              <h2 className="nhsuk-notification-banner__title">{notice.kind}</h2>
            </div>
            <div className="nhsuk-notification-banner__content">
              <p className="nhsuk-notification-banner__heading">{notice.text}</p>
              {button}
            </div>
          </div>
        )}
      </div>
      <div id="alert" role="alert">
        {notice && isError && (
          <div className="nhsuk-error-summary">
            <h2 className="nhsuk-error-summary__heading">{notice.heading}</h2>
            <div className="nhsuk-error-summary__body">
              <p>{notice.text}</p>
            </div>
            {button}
          </div>
        )}
      </div>
    </>
  );
}

function Header({ session, path }: { readonly session: ActiveState | null; readonly path: string }) {
  const bff = useBff();
  const attempt = useAttempt();
  return (
    <header className="nhsuk-header">
      <div className="nhsuk-header__container nhsuk-width-container">
        <div className="nhsuk-header__service">
          <a className="nhsuk-header__service-name app-service-name" href="/">
            Example surgery
          </a>
        </div>
        {session && (
          <nav className="nhsuk-header__account" aria-label="Account">
            <ul className="nhsuk-header__account-list">
              <li className="nhsuk-header__account-item">
                <span id="account-name">{fullName(session.user)}</span>
              </li>
              {session.role && (
                <li className="nhsuk-header__account-item" id="account-role">
                  {organisationAndCode(session.role)}
                </li>
              )}
              <li className="nhsuk-header__account-item">
                <button
                  className="nhsuk-header__account-button"
                  id="sign-out"
                  type="button"
                  onClick={() => void attempt('You are still signed in', bff.signOut)}
                >
                  Sign out
                </button>
              </li>
            </ul>
          </nav>
        )}
      </div>
      {session && (
        <nav className="nhsuk-header__navigation" aria-label="Menu">
          <div className="nhsuk-header__navigation-container nhsuk-width-container">
            <ul className="nhsuk-header__navigation-list">
              {Object.entries(menu).map(([to, text]) => (
                <li className="nhsuk-header__navigation-item" key={to}>
                  <a
                    className="nhsuk-header__navigation-link"
                    href={to}
                    aria-current={path === to ? 'page' : undefined}
                  >
                    {text}
                  </a>
                </li>
              ))}
            </ul>
          </div>
        </nav>
      )}
    </header>
  );
}

function App() {
  const state = useSession();
  const session = state.status === 'active' ? state : null;
  const [path, setPath] = useState(location.pathname);
  const [notice, tell] = useState<Notice | null>(null);
  const [, setVisits] = useState(0);
  const main = useRef<HTMLElement>(null);
  const before = useRef<ActiveState | null>(null);
  const hadSession = useRef(false);
  hadSession.current ||= state.status === 'active' || state.status === 'ended';
  const go = (next: string) => {
    history.replaceState(null, '', next === location.pathname ? location.href : next);
    setPath(next);
    setVisits((visits) => visits + 1);
  };
  const focusMain = () => main.current?.focus();

  useEffect(() => {
    const was = before.current;
    before.current = session;
    // What one person saw is never left for another, or for nobody, to read.
    if (session?.user.uid !== was?.user.uid) tell(null);
    if (was && session && was.handle !== session.handle) tell(changeBetween(was, session));
  }, [session]);
  useEffect(() => {
    if (state.status === 'ended' || state.status === 'anonymous') forgetAnswer();
    // The page that confirms a sign-out would be untrue for somebody who has signed in since.
    if (session && path === '/signed-out') go('/');
    // What this tab kept of a sign-in has served its purpose.
    if (path === '/signed-out' || (session && path !== '/sign-in-error')) tabStorage.remove('sign-in');
  }, [state.status, session, path]);

  const isShown = notice && (!notice.isTrue || (session && notice.isTrue(session)));
  return (
    <ShellContext.Provider value={{ tell, go }}>
      <a
        className="nhsuk-skip-link"
        href="#maincontent"
        onClick={(event) => {
          event.preventDefault();
          focusMain();
        }}
      >
        Skip to main content
      </a>
      <Header session={session} path={path} />
      <aside className="app-demonstration" aria-label="About this page">
        <div className="nhsuk-width-container">
          <strong className="nhsuk-tag nhsuk-tag--yellow">Demonstration</strong>{' '}
          <span>Not a real NHS service. Every patient is invented.</span>
        </div>
      </aside>
      <div className="nhsuk-width-container">
        <main className="nhsuk-main-wrapper" id="maincontent" tabIndex={-1} ref={main}>
          <Notices
            notice={isShown ? notice : null}
            hide={() => {
              tell(null);
              focusMain();
            }}
          />
          {path === '/sign-in-error' ? (
            <SignInFailed session={session} />
          ) : (
            <RequireSession
              fallback={<Outside path={path} isMissing={isMissing(path)} hadSession={hadSession.current} />}
            >
              {session && <Inside key={session.handle} session={session} path={path} />}
            </RequireSession>
          )}
        </main>
      </div>
      {session && <TimeoutDialog />}
    </ShellContext.Provider>
  );
}

createRoot(document.getElementById('root') ?? document.body).render(
  <BffProvider client={createBff({ events: sessionEvents({ askSeconds: 15 }) })}>
    <App />
  </BffProvider>,
);
