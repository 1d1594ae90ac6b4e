/** Shows the page that belongs to the address and to who is signed in. The client library keeps that true. */
import { useEffect, useRef, type MouseEvent } from 'react';
import { createRoot } from 'react-dom/client';
import {
  HeaderAccount,
  HeaderAccountItem,
  HeaderNavigation,
  HeaderNavigationItem,
  Tag,
} from 'nhsuk-react-components';
import type { ActiveState } from '../../client/index.ts';
import { BffProvider, RequireSession, TimeoutDialog, useSession } from '../../client/react/index.ts';
import { asksAboutOthers } from '../../client/sign-in/index.ts';
import * as english from '../../client/english/index.ts';
import { bff, show, signOut, useShown } from './bff.ts';
import { Button } from './parts.tsx';
import { FindPage, PatientPage } from './patients.tsx';
import { RolePage } from './role.tsx';
import { OtherSessionsPage, SessionsPage } from './sessions.tsx';
import { NotFound, Outside, SignInFailed } from './signed-out.tsx';

if (document.getElementById('not-started')?.dataset['isFinal'] !== undefined)
  throw new Error('this browser lacks what the page needs');

const menu = { '/': 'Find a patient', '/role': 'Your role', '/sessions': 'Where you are signed in' };
const known = /^\/(role|sessions|sign-in-error|signed-out|patients\/(\d{10})(\/address)?)?$/;
const focusMain = () => document.getElementById('maincontent')?.focus();

function Inside({ session, path }: { session: ActiveState; path: string }) {
  const [, , id, isAddress] = known.exec(path) ?? [];
  if (path === '/sessions') return <SessionsPage session={session} />;
  if (path !== '/role' && asksAboutOthers(session)) return <OtherSessionsPage session={session} />;
  if (path === '/role' || session.role === null) return <RolePage session={session} />;
  return id ? <PatientPage key={path} id={id} isAddress={!!isAddress} /> : <FindPage />;
}

function Notices({ session }: { session: ActiveState | null }) {
  const { heading, text: told, isError } = useShown().notice ?? {};
  const text = typeof told === 'function' ? session && told(session) : told;
  const hide = () => {
    show({ notice: null });
    focusMain();
  };
  const button = <Button kind="secondary" text="Hide this message" onClick={hide} />;
  return (
    <>
      <div id="notice" role="status">
        {text && !isError && (
          <div className={`nhsuk-notification-banner nhsuk-notification-banner--${heading?.toLowerCase()}`}>
            <div className="nhsuk-notification-banner__header">
              <h2 className="nhsuk-notification-banner__title">{heading}</h2>
            </div>
            <div className="nhsuk-notification-banner__content">
              <p className="nhsuk-notification-banner__heading">{text}</p>
              {button}
            </div>
          </div>
        )}
      </div>
      <div id="alert" role="alert">
        {text && isError && (
          <div className="nhsuk-error-summary">
            <h2 className="nhsuk-error-summary__heading">{heading}</h2>
            <div className="nhsuk-error-summary__body">
              <p>{text}</p>
              {button}
            </div>
          </div>
        )}
      </div>
    </>
  );
}

function App() {
  const state = useSession();
  const session = state.status === 'active' ? state : null;
  const { path } = useShown();
  const before = useRef<ActiveState | null>(null);
  const hadSession = useRef(false);
  hadSession.current ||= state.status === 'active' || state.status === 'ended';
  useEffect(() => {
    const was = before.current;
    before.current = session;
    // What one person saw is never left for another, or for nobody, to read.
    if (session?.user.uid !== was?.user.uid) show({ notice: null });
    if (was && session && was.handle !== session.handle) {
      const { heading, text } = english.changeText(was, session);
      show({ notice: { heading: heading ?? 'Important', text, isError: !!heading } });
    }
    // The page that confirms a sign-out would be untrue for somebody who has signed in since.
    if (session && path === '/signed-out') show({ path: '/' });
  }, [session, path]);

  const skip = (event: MouseEvent) => {
    event.preventDefault();
    focusMain();
  };
  return (
    <>
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
          {session && (
            <HeaderAccount>
              <HeaderAccountItem>
                <span id="account-name">{english.personName(session.user)}</span>
              </HeaderAccountItem>
              {session.role && (
                <HeaderAccountItem>
                  <span id="account-role">{english.organisationName(session.role)}</span>
                </HeaderAccountItem>
              )}
              <HeaderAccountItem as="button" id="sign-out" type="button" onClick={signOut}>
                Sign out
              </HeaderAccountItem>
            </HeaderAccount>
          )}
        </div>
        {session && (
          <HeaderNavigation>
            {Object.entries(menu).map(([to, text]) => (
              <HeaderNavigationItem key={to} href={to} current={path === to}>
                {text}
              </HeaderNavigationItem>
            ))}
          </HeaderNavigation>
        )}
      </header>
      <aside className="app-demonstration" aria-label="About this page">
        <div className="nhsuk-width-container">
          <Tag modifier="yellow">Demonstration</Tag> Not a real NHS service. Every patient is invented.
        </div>
      </aside>
      <main className="nhsuk-width-container nhsuk-main-wrapper" id="maincontent" tabIndex={-1}>
        <Notices session={session} />
        {path === '/sign-in-error' ? (
          <SignInFailed />
        ) : !known.test(path) && ['active', 'anonymous'].includes(state.status) ? (
          <NotFound />
        ) : (
          <RequireSession fallback={<Outside path={path} hadSession={hadSession.current} />}>
            {session && <Inside key={session.handle} session={session} path={path} />}
          </RequireSession>
        )}
      </main>
      {session && <TimeoutDialog />}
    </>
  );
}

createRoot(document.getElementById('root') ?? document.body).render(
  <BffProvider client={bff}>
    <App />
  </BffProvider>,
);
