/** The pages of somebody who is not signed in, or whose sign-in failed. */
import { useEffect } from 'react';
import { Details, LedeText } from 'nhsuk-react-components';
import * as english from '../../client/english/index.ts';
import { useSession } from '../../client/react/index.ts';
import { keepsCookies, lastSignIn, signInError } from '../../client/sign-in/index.ts';
import { Button, Inset, LinkButton, Page, SignIn, SignInButton, type PageProps } from './parts.tsx';

const unlockUrl =
  'https://manage-care-identities.care-identity-service2.nhs.uk/#/self-service/unlock-authenticator';
const Unlock = ({ text }: { text: string }) => (
  <a href={unlockUrl} rel="noreferrer">
    {text}
  </a>
);

const Welcome = () => (
  <Page title="Sign in to the example surgery">
    <LedeText>
      This demonstration shows how people who work in health and care sign in with their NHS Care Identity,
      and find a patient.
    </LedeText>
    {!keepsCookies() && (
      <Inset>
        <strong>Your browser does not keep the cookies of this service.</strong> You cannot sign in until it
        does. Allow cookies for this site in your browser’s settings, then load the page again.
      </Inset>
    )}
    <p>You need a Care Identity, and a smartcard, a security key, a passkey or the app on an iPad.</p>
    <SignIn />
    <Details>
      <Details.Summary>I cannot sign in</Details.Summary>
      <Details.Text>
        <p>
          If your smartcard is locked: <Unlock text="unlock your smartcard at Care Identity" />.
        </p>
        <p>If it is lost or out of date, contact your organisation’s Registration Authority (RA) team.</p>
      </Details.Text>
    </Details>
  </Page>
);

const SignedOut = () => (
  <Page title="You have signed out" isOutcome>
    <LedeText>You are signed out of the example surgery in this browser.</LedeText>
    <Inset>
      <strong>You may still be signed in to Care Identity.</strong> Other services may still be open. If you
      use a smartcard, take it out of the reader before you leave this computer.
    </Inset>
    <SignIn returnTo="/" />
  </Page>
);

export const NotFound = () => (
  <Page title="Page not found" help={english.contacts.link}>
    <p>If you typed or pasted the web address, check that it is right and complete.</p>
    <LinkButton to="/" text="Go to the home page" />
  </Page>
);

function Checking() {
  useEffect(() => {
    document.title = 'Checking – Example surgery';
  }, []);
  return <p role="status">Checking whether you are signed in…</p>;
}

/** In every state but `active`. Whoever `hadSession` on this page is signed in no longer. */
export function Outside({ path, hadSession }: { path: string; hadSession: boolean }) {
  const state = useSession();
  if (state.status === 'unavailable')
    return (
      <Page title="We cannot tell whether you are signed in" help={english.contacts.desk}>
        <p>{english.failureText(state.error)}</p>
        <p>Nothing is shown until we know who you are. We try again by ourselves.</p>
        <Button text="Try again" onClick={() => location.reload()} />
      </Page>
    );
  if (state.status !== 'anonymous' && state.status !== 'ended') return <Checking />;
  const { reason, reference } = state.status === 'ended' ? state : { reason: null, reference: null };
  if (path === '/signed-out' && (reason === null || reason === 'signed_out')) return <SignedOut />;
  if (!hadSession) return <Welcome />;
  return (
    <Problem text={english.endText(reason)} reference={reference}>
      <SignIn />
    </Problem>
  );
}

/** The page that a failed sign-in ends on, and a person who opens an address that the backend refuses. */
export function SignInFailed() {
  const { code, reason, reference } = signInError();
  const text = english.signInErrorText(code, reason);
  return (
    <Problem text={text} reference={reference} isOutcome>
      {code === 'access_denied' && (
        <p>
          <Unlock text="Unlock your smartcard at Care Identity" />
        </p>
      )}
      {text.next === 'home' && <LinkButton to="/" text="Go to the home page" />}
      {text.next === 'confirm' && <SignInButton text="Confirm it is you" {...lastSignIn()} reauth />}
      {!text.next && <SignInButton text="Try again" {...lastSignIn()} />}
    </Problem>
  );
}

type ProblemProps = Omit<PageProps, 'title'> & { text: english.ProblemText };
function Problem({ text, children, ...page }: ProblemProps) {
  const state = useSession();
  return (
    <Page title={text.heading} help={text.contact} {...page}>
      <p>{text.happened}</p>
      {state.status === 'active' && (
        <Inset>
          You are still signed in as {english.personName(state.user)} from before.{' '}
          <a href={lastSignIn().returnTo}>Go back to the service</a>.
        </Inset>
      )}
      <h2 className="nhsuk-heading-m">What to do now</h2>
      {text.toDo.length === 1 ? (
        <p>{text.toDo}</p>
      ) : (
        <ol className="nhsuk-list nhsuk-list--number">
          {text.toDo.map((step) => (
            <li key={step}>{step}</li>
          ))}
        </ol>
      )}
      {children}
    </Page>
  );
}
