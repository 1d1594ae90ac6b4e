/** The header, and below it the page that belongs to the address and to who is signed in: the library has all but the app's own. */
import type { MouseEvent } from 'react';
import { createRoot } from 'react-dom/client';
import {
  HeaderAccount,
  HeaderAccountItem,
  HeaderNavigation,
  HeaderNavigationItem,
  LedeText,
  Tag,
} from 'nhsuk-react-components';
import * as english from '../../client/english/index.ts';
import { NotFoundPage, PagesProvider, SessionPages, SignInPage, usePages } from '../../client/pages/index.ts';
import { BffProvider, useSession } from '../../client/react/index.ts';
import { bff } from './bff.ts';
import { FindPage, PatientPage } from './patients.tsx';

if (document.getElementById('not-started')?.dataset['isFinal'] !== undefined)
  throw new Error('this browser lacks what the page needs');

const texts = {
  signInHeading: () => 'Sign in to the example surgery',
  signedOut: () => 'You are signed out of the example surgery in this browser.',
};
const menu = { '/': 'Find a patient', '/role': 'Your role', '/sessions': 'Where you are signed in' };
const known = /^\/(role|sessions|sign-in-error|signed-out|patients\/(\d{10})(\/address)?)?$/;

function skip(event: MouseEvent) {
  event.preventDefault();
  document.getElementById('maincontent')?.focus();
}

function Header() {
  const state = useSession();
  const session = state.status === 'active' ? state : null;
  const { path, signOut } = usePages();
  return (
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
  );
}

const welcome = (
  <SignInPage>
    <LedeText>
      This demonstration shows how people who work in health and care sign in with their NHS Care Identity,
      and find a patient.
    </LedeText>
  </SignInPage>
);

function Main() {
  const { status } = useSession();
  const { path } = usePages();
  const [isKnown, , id, isAddress] = known.exec(path) ?? [];
  const isNotFound = !isKnown && ['active', 'anonymous'].includes(status);
  return (
    <main className="nhsuk-width-container nhsuk-main-wrapper" id="maincontent" tabIndex={-1}>
      <SessionPages welcome={welcome} publicPage={isNotFound && <NotFoundPage />}>
        {id ? <PatientPage key={path} id={id} isAddress={!!isAddress} /> : <FindPage />}
      </SessionPages>
    </main>
  );
}

createRoot(document.getElementById('root') ?? document.body).render(
  <BffProvider client={bff}>
    <PagesProvider serviceName="Example surgery" texts={texts}>
      <a className="nhsuk-skip-link" href="#maincontent" onClick={skip}>
        Skip to main content
      </a>
      <Header />
      <aside className="app-demonstration" aria-label="About this page">
        <div className="nhsuk-width-container">
          <Tag modifier="yellow">Demonstration</Tag> Not a real NHS service. Every patient is invented.
        </div>
      </aside>
      <Main />
    </PagesProvider>
  </BffProvider>,
);
