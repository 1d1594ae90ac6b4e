/** The pages of somebody who is not signed in, or whose sign-in failed. */
import { useEffect } from 'react';
import type { ActiveState } from '../../client/index.ts';
import { useSession } from '../../client/react/index.ts';
import { Button, Help, Inset, Page, SignIn, SignInButton, Steps, unlockUrl } from './parts.tsx';
import { keepsCookies, lastSignIn } from './tab-storage.ts';
import texts from './texts.json';
import { entryOf, failureText, fullName, referenceIn } from './wording.ts';

interface SignInError {
  readonly heading: string;
  readonly happened: string;
  readonly toDo: readonly string[];
  readonly next?: string;
  readonly contact: string;
}
const errors: Readonly<Record<string, SignInError>> & { unknown: SignInError } = texts.signInErrors;
const contacts: Readonly<Record<string, string>> = texts.contacts;

const Welcome = () => (
  <Page title="Sign in to the example surgery">
    <p className="nhsuk-lede-text">
      This demonstration shows how people who work in health and care sign in with their NHS Care Identity,
      and find a patient.
    </p>
    {!keepsCookies() && (
      <Inset>
        <strong>Your browser does not keep the cookies of this service.</strong> You cannot sign in until it
        does. Allow cookies for this site in your browser’s settings, then load the page again.
      </Inset>
    )}
    <p>You need a Care Identity, and a smartcard, a security key, a passkey or the app on an iPad.</p>
    <SignIn />
    <details className="nhsuk-details">
      <summary className="nhsuk-details__summary">
        <span className="nhsuk-details__summary-text">I cannot sign in</span>
      </summary>
      <div className="nhsuk-details__text">
        <p>
          If your smartcard is locked:{' '}
          <a href={unlockUrl} rel="noreferrer">
            unlock your smartcard at Care Identity
          </a>
          .
        </p>
        <p>If it is lost or out of date, contact your organisation’s Registration Authority (RA) team.</p>
      </div>
    </details>
  </Page>
);

const SignedOut = () => (
  <Page title="You have signed out" isOutcome>
    <p className="nhsuk-lede-text">You are signed out of the example surgery in this browser.</p>
    <Inset>
      <strong>You may still be signed in to Care Identity.</strong> Other services may still be open. If you
      use a smartcard, take it out of the reader before you leave this computer.
    </Inset>
    <SignIn returnTo="/" />
  </Page>
);

const Ended = ({
  reason,
  reference,
}: {
  readonly reason: string | null;
  readonly reference: string | null;
}) => {
  const { heading, happened, toDo, contact } = entryOf(texts.endings, reason);
  return (
    <Page title={heading}>
      <p>{happened}</p>
      <h2 className="nhsuk-heading-m">What to do now</h2>
      <p>{toDo}</p>
      <SignIn />
      <Help contact={contact} reference={reference} />
    </Page>
  );
};

export const NotFound = () => (
  <Page title="Page not found">
    <p>If you typed or pasted the web address, check that it is right and complete.</p>
    <a href="/" className="nhsuk-button">
      Go to the home page
    </a>
    <Help contact={texts.contacts.link} />
  </Page>
);

function Checking() {
  useEffect(() => {
    document.title = 'Checking – Example surgery';
  }, []);
  return <p role="status">Checking whether you are signed in…</p>;
}

/** In every state but `active`. */
export function Outside(props: {
  readonly path: string;
  readonly isMissing: boolean;
  /** The page showed somebody before, so that "nobody" means "no longer". */
  readonly hadSession: boolean;
}) {
  const { path, isMissing, hadSession } = props;
  const state = useSession();
  switch (state.status) {
    case 'anonymous':
      if (path === '/signed-out') return <SignedOut />;
      if (isMissing) return <NotFound />;
      return hadSession ? <Ended reason={null} reference={null} /> : <Welcome />;
    case 'ended':
      return path === '/signed-out' && state.reason === 'signed_out' ? (
        <SignedOut />
      ) : (
        <Ended reason={state.reason} reference={state.reference} />
      );
    case 'unavailable':
      return (
        <Page title="We cannot tell whether you are signed in">
          <p>{failureText(state.error)}</p>
          <p>Nothing is shown until we know who you are. We try again by ourselves.</p>
          <Button onClick={() => location.reload()}>Try again</Button>
          <Help contact={texts.contacts.desk} />
        </Page>
      );
    default:
      return <Checking />;
  }
}

/** The page that a failed sign-in ends on, and a person who opens an address that the backend refuses. */
export function SignInFailed({ session }: { readonly session: ActiveState | null }) {
  const query = new URLSearchParams(location.search);
  const code = query.get('code');
  const isCookies = code === 'login_expired' && !keepsCookies();
  const known = entryOf(
    errors,
    isCookies ? 'no_cookies' : code === 'keys_unavailable' ? 'store_unavailable' : code,
  );
  const reason = code === 'role_required' ? entryOf(errors, query.get('reason')) : errors.unknown;
  const { heading, happened, toDo, next, contact } = reason === errors.unknown ? known : reason;
  const signIn = lastSignIn();
  return (
    <Page title={heading} isOutcome>
      <p>{happened}</p>
      {session && (
        <Inset>
          You are still signed in as {fullName(session.user)} from before.{' '}
          <a href={signIn.returnTo}>Go back to the service</a>.
        </Inset>
      )}
      <h2 className="nhsuk-heading-m">What to do now</h2>
      <Steps items={toDo} />
      {code === 'access_denied' && (
        <p>
          <a href={unlockUrl} rel="noreferrer">
            Unlock your smartcard at Care Identity
          </a>
        </p>
      )}
      {next === 'home' ? (
        <a className="nhsuk-button" href="/">
          Go to the home page
        </a>
      ) : next === 'confirm' ? (
        <SignInButton text="Confirm it is you" {...signIn} reauth />
      ) : (
        <SignInButton text="Try again" {...signIn} />
      )}
      <Help contact={contacts[contact] ?? contact} reference={referenceIn(query.get('reference'))} />
    </Page>
  );
}
