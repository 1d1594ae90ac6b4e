import { createRoot } from 'react-dom/client';
import { NotFoundPage, PagesProvider, SessionPages, usePages } from 'cis2-bff/client/pages';
import { BffProvider, useSession } from 'cis2-bff/client/react';
import { bff } from './bff.ts';
import { PatientPage } from './patient-page.tsx';

/** The app’s own path, and those of the library’s pages. */
const paths = ['/', '/sign-in-error', '/signed-out', '/role', '/sessions'];

function Header() {
  const session = useSession();
  const { signOut } = usePages();
  return (
    <header className="nhsuk-header">
      <div className="nhsuk-header__container nhsuk-width-container">
        <div className="nhsuk-header__service">
          <a className="nhsuk-header__service-name" href="/">
            My app
          </a>
        </div>
        {session.status === 'active' && (
          <nav className="nhsuk-header__account" aria-label="Account">
            <ul className="nhsuk-header__account-list">
              <li className="nhsuk-header__account-item">
                <a className="nhsuk-header__account-link" href="/role">
                  {session.user.name}
                </a>
              </li>
              <li className="nhsuk-header__account-item">
                <button className="nhsuk-header__account-button" type="button" onClick={signOut}>
                  Sign out
                </button>
              </li>
            </ul>
          </nav>
        )}
      </div>
    </header>
  );
}

function Content() {
  const { path } = usePages();
  return (
    <main className="nhsuk-width-container nhsuk-main-wrapper" tabIndex={-1}>
      <SessionPages publicPage={!paths.includes(path) && <NotFoundPage />}>
        <PatientPage />
      </SessionPages>
    </main>
  );
}

createRoot(document.querySelector('#root') ?? document.body).render(
  <BffProvider client={bff}>
    <PagesProvider serviceName="My app">
      <Header />
      <Content />
    </PagesProvider>
  </BffProvider>,
);
