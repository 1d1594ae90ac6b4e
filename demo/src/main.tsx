/** Shows the page that belongs to the address and to who is signed in. The client library keeps that true. */
import { useEffect, useRef, useState, type MouseEvent } from 'react';
import { createRoot } from 'react-dom/client';
import { BffError, type ActiveState } from '../../client/index.ts';
import { BffProvider, RequireSession, TimeoutDialog, useSession } from '../../client/react/index.ts';
import { asksAboutOthers } from '../../client/sign-in/index.ts';
import * as english from '../../client/english/index.ts';
import { bff } from './bff.ts';
import { Button, ShellContext, useShell, type Notice, type Shell } from './parts.tsx';
import { FindPage, PatientPage } from './patients.tsx';
import { RolePage } from './role.tsx';
import { OtherSessionsPage, SessionsPage } from './sessions.tsx';
import { NotFound, Outside, SignInFailed } from './signed-out.tsx';

if (document.getElementById('not-started')?.dataset['isFinal'] !== undefined)
  throw new Error('this browser lacks what the page needs');

const menu = { '/': 'Find a patient', '/role': 'Your role', '/sessions': 'Where you are signed in' };
const patientPath = /^\/patients\/(\d{10})(\/address)?$/;
const isMissing = (path: string): boolean =>
  !(path in menu) && !['/sign-in-error', '/signed-out'].includes(path) && !patientPath.test(path);

function Inside({ session, path }: { session: ActiveState; path: string }) {
  if (path === '/sessions') return <SessionsPage session={session} />;
  if (path !== '/role' && asksAboutOthers(session)) return <OtherSessionsPage session={session} />;
  if (path === '/role' || session.role === null) return <RolePage session={session} />;
  const [, id] = patientPath.exec(path) ?? [];
  return id ? <PatientPage key={path} id={id} isAddress={path.endsWith('/address')} /> : <FindPage />;
}

function Notices(props: { notice: Notice | null; session: ActiveState | null; hide: () => void }) {
  const { notice, session, hide } = props;
  const { kind = '', heading } = notice ?? {};
  const text = typeof notice?.text === 'function' ? session && notice.text(session) : notice?.text;
  const button = <Button kind="secondary" text="Hide this message" onClick={hide} />;
  return (
    <>
      <div id="notice" role="status">
        {text && kind !== 'Error' && (
          <div className={`nhsuk-notification-banner nhsuk-notification-banner--${kind.toLowerCase()}`}>
            <div className="nhsuk-notification-banner__header">
              <h2 className="nhsuk-notification-banner__title">{kind}</h2>
            </div>
            <div className="nhsuk-notification-banner__content">
              <p className="nhsuk-notification-banner__heading">{text}</p>
              {button}
            </div>
          </div>
        )}
      </div>
      <div id="alert" role="alert">
        {text && kind === 'Error' && (
          <div className="nhsuk-error-summary">
            <h2 className="nhsuk-error-summary__heading">{heading}</h2>
            <div className="nhsuk-error-summary__body">
              <p>{text}</p>
            </div>
            {button}
          </div>
        )}
      </div>
    </>
  );
}

function Account({ session }: { session: ActiveState }) {
  const { signOut } = useShell();
  return (
    <nav className="nhsuk-header__account" aria-label="Account">
      <ul className="nhsuk-header__account-list">
        <li className="nhsuk-header__account-item" id="account-name">
          {english.personName(session.user)}
        </li>
        {session.role && (
          <li className="nhsuk-header__account-item" id="account-role">
            {english.organisationName(session.role)}
          </li>
        )}
        <li className="nhsuk-header__account-item">
          <button className="nhsuk-header__account-button" id="sign-out" type="button" onClick={signOut}>
            Sign out
          </button>
        </li>
      </ul>
    </nav>
  );
}

const Menu = ({ path }: { path: string }) => (
  <nav className="nhsuk-header__navigation" aria-label="Menu">
    <div className="nhsuk-header__navigation-container nhsuk-width-container">
      <ul className="nhsuk-header__navigation-list">
        {Object.entries(menu).map(([to, text]) => (
          <li className="nhsuk-header__navigation-item" key={to}>
            <a className="nhsuk-header__navigation-link" href={to} aria-current={path === to && 'page'}>
              {text}
            </a>
          </li>
        ))}
      </ul>
    </div>
  </nav>
);

function App() {
  const state = useSession();
  const session = state.status === 'active' ? state : null;
  const [{ path }, setAddress] = useState({ path: location.pathname });
  const [notice, tell] = useState<Notice | null>(null);
  const main = useRef<HTMLElement>(null);
  const before = useRef<ActiveState | null>(null);
  const hadSession = useRef(false);
  hadSession.current ||= state.status === 'active' || state.status === 'ended';

  const shell: Shell = {
    go(next) {
      if (next !== location.pathname) history.replaceState(null, '', next);
      setAddress({ path: next });
    },
    attempt(heading, action) {
      tell(null);
      action().then(
        (text) => text && tell({ kind: 'Success', text }),
        (error: unknown) => {
          if (!(error instanceof BffError)) throw error;
          tell({ kind: 'Error', heading, text: english.failureText(error) });
        },
      );
    },
    signOut: () => shell.attempt('You are still signed in', bff.signOut),
  };
  useEffect(() => {
    const was = before.current;
    before.current = session;
    // What one person saw is never left for another, or for nobody, to read.
    if (session?.user.uid !== was?.user.uid) tell(null);
    if (was && session && was.handle !== session.handle) {
      const change = english.changeText(was, session);
      tell({ kind: change.heading ? 'Error' : 'Important', ...change });
    }
    // The page that confirms a sign-out would be untrue for somebody who has signed in since.
    if (session && path === '/signed-out') shell.go('/');
  }, [session, path]);

  const skip = (event: MouseEvent) => {
    event.preventDefault();
    main.current?.focus();
  };
  const hide = () => {
    tell(null);
    main.current?.focus();
  };
  return (
    <ShellContext value={shell}>
      <a className="nhsuk-skip-link" href="#maincontent" onClick={skip}>
        Skip to main content
      </a>
      <header className="nhsuk-header">
        <div className="nhsuk-header__container nhsuk-width-container">
          <div className="nhsuk-header__service">
            <a className="nhsuk-header__service-name app-service-name" href="/">
              Example surgery
            </a>
          </div>
          {session && <Account session={session} />}
        </div>
        {session && <Menu path={path} />}
      </header>
      <aside className="app-demonstration" aria-label="About this page">
        <div className="nhsuk-width-container">
          <strong className="nhsuk-tag nhsuk-tag--yellow">Demonstration</strong>{' '}
          <span>Not a real NHS service. Every patient is invented.</span>
        </div>
      </aside>
      <div className="nhsuk-width-container">
        <main className="nhsuk-main-wrapper" id="maincontent" tabIndex={-1} ref={main}>
          <Notices notice={notice} session={session} hide={hide} />
          {path === '/sign-in-error' ? (
            <SignInFailed />
          ) : isMissing(path) && ['active', 'anonymous'].includes(state.status) ? (
            <NotFound />
          ) : (
            <RequireSession fallback={<Outside path={path} hadSession={hadSession.current} />}>
              {session && <Inside key={session.handle} session={session} path={path} />}
            </RequireSession>
          )}
        </main>
      </div>
      {session && <TimeoutDialog />}
    </ShellContext>
  );
}

createRoot(document.getElementById('root') ?? document.body).render(
  <BffProvider client={bff}>
    <App />
  </BffProvider>,
);
