/** A small app on the pages of the library, with words, paths and a welcome of its own, for the tests in a browser. */
import { StrictMode, useState } from 'react';
import { createRoot, hydrateRoot } from 'react-dom/client';
import { renderToString } from 'react-dom/server';
import { createBff } from '../../client/index.ts';
import { Button, Page, PagesProvider, SessionPages, SignIn, usePages } from '../../client/pages/index.ts';
import { BffProvider, useSession } from '../../client/react/index.ts';
import { welsh } from '../../client/timeout-dialog/index.ts';

const bff = createBff();
/** What a save waits for. */
const held: { until?: Promise<void> } = {};
Object.assign(globalThis, { bff, held });

function Notes() {
  const state = useSession();
  const { attempt, navigate } = usePages();
  const save = () =>
    attempt('The note was not saved', async () => {
      await bff.extend();
      await held.until;
      navigate('/saved');
      return 'The note about Jane was saved.';
    });
  return (
    <Page title="Notes">
      {state.status === 'active' && <p id="account-name">{state.user.name}</p>}
      <Button text="Save" about="the note" onClick={save} />
      <Button href="/places" text="Places" kind="secondary" />
    </Page>
  );
}

function Content() {
  const { path } = usePages();
  const welcome = (
    <Page title="Ward notes">
      <p>For the people of one ward.</p>
      <SignIn />
    </Page>
  );
  const accessibility = <Page title="Accessibility">It is for everybody.</Page>;
  return (
    <SessionPages welcome={welcome} publicPage={path === '/accessibility' && accessibility}>
      {path === '/saved' ? <Page title="Saved" /> : <Notes />}
    </SessionPages>
  );
}

export function App() {
  // As a router that keeps the path elsewhere than in the address.
  const [path, navigate] = useState('/my-role');
  const isRouted = typeof location === 'object' && location.pathname === '/routed';
  return (
    <StrictMode>
      <BffProvider client={bff}>
        <PagesProvider
          serviceName="Ward notes"
          texts={{ signIn: 'Log in', signedOut: (service) => `${service} is closed.` }}
          timeoutTexts={welsh}
          paths={{ role: '/my-role', sessions: '/places' }}
          {...(isRouted && { router: { path, navigate } })}
        >
          <Content />
        </PagesProvider>
      </BffProvider>
    </StrictMode>
  );
}

if (typeof document === 'object') {
  const root = document.querySelector('main') ?? document.body;
  if (location.search.startsWith('?hydrate')) {
    root.innerHTML = renderToString(<App />);
    hydrateRoot(root, <App />);
  } else createRoot(root).render(<App />);
}
