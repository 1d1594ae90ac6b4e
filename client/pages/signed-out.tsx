/** The pages of somebody who is not signed in, or whose sign-in failed, and of an address that leads nowhere. */
import { useEffect, useMemo, useState, type ReactElement, type ReactNode } from 'react';
import type { ProblemText } from '../english/error-pages.ts';
import { useSession } from '../react/index.ts';
import { keepsCookies, lastSignIn, signInError } from '../sign-in/index.ts';
import { Button, Inset, Page, SignIn, SignInButton, type PageProps } from './parts.tsx';
import { useShared } from './provider.tsx';

const unlockUrl =
  'https://manage-care-identities.care-identity-service2.nhs.uk/#/self-service/unlock-authenticator';
const Unlock = ({ text }: { text: string }) => (
  <a href={unlockUrl} rel="noreferrer">
    {text}
  </a>
);

export interface SignInPageProps {
  /** What the service is for, above the way into it. */
  readonly children?: ReactNode;
}

/** The page of somebody who is not signed in yet. */
export function SignInPage({ children }: SignInPageProps): ReactElement {
  const { texts, serviceName, isBrowser } = useShared();
  const hasCookies = useMemo(() => !isBrowser || keepsCookies(), [isBrowser]);
  return (
    <Page title={texts.signInHeading(serviceName)}>
      {children}
      {!hasCookies && (
        <Inset>
          <strong>{texts.cookiesOff}</strong> {texts.allowCookies}
        </Inset>
      )}
      <p>{texts.whatYouNeed}</p>
      <SignIn />
      <details className="nhsuk-details">
        <summary className="nhsuk-details__summary">
          <span className="nhsuk-details__summary-text">{texts.cannotSignIn}</span>
        </summary>
        <div className="nhsuk-details__text">
          <p>
            {texts.ifLocked} <Unlock text={texts.unlockInSentence} />.
          </p>
          <p>{texts.ifLost}</p>
        </div>
      </details>
    </Page>
  );
}

function SignedOutPage() {
  const { texts, serviceName } = useShared();
  return (
    <Page title={texts.signedOutHeading} isOutcome>
      <p className="nhsuk-lede-text">{texts.signedOut(serviceName)}</p>
      <Inset>
        <strong>{texts.maybeSignedIn}</strong> {texts.closeOthers}
      </Inset>
      <SignIn returnTo="/" />
    </Page>
  );
}

/** The page of an address that leads nowhere. */
export function NotFoundPage(): ReactElement {
  const { texts } = useShared();
  return (
    <Page title={texts.notFoundHeading} help={texts.notFoundHelp}>
      <p>{texts.checkAddress}</p>
      <Button href="/" text={texts.goHome} />
    </Page>
  );
}

export function Checking() {
  const { texts, serviceName } = useShared();
  useEffect(() => {
    document.title = `${texts.checkingTitle} – ${serviceName}`;
  }, [texts.checkingTitle, serviceName]);
  return <p role="status">{texts.checking}</p>;
}

/** In every state but `active`. Whoever was signed in on this page is it no longer. */
export function SignedOutPages({ welcome }: { welcome: ReactNode }) {
  const state = useSession();
  const { texts, path, hadSession } = useShared();
  if (state.status === 'unavailable')
    return (
      <Page title={texts.unavailableHeading} help={texts.unavailableHelp}>
        <p>{texts.failureText(state.error)}</p>
        <p>{texts.nothingShown}</p>
        <Button text={texts.tryAgain} onClick={() => location.reload()} />
      </Page>
    );
  if (state.status !== 'anonymous' && state.status !== 'ended') return <Checking />;
  const { reason, reference } = state.status === 'ended' ? state : { reason: null, reference: null };
  if (path === '/signed-out' && (reason === null || reason === 'signed_out')) return <SignedOutPage />;
  if (!hadSession) return welcome;
  return (
    <ProblemPage text={texts.endText(reason)} reference={reference}>
      <SignIn />
    </ProblemPage>
  );
}

/** The page that a failed sign-in ends on, and a person who opens an address that the backend refuses. */
export function SignInErrorPage() {
  const { texts } = useShared();
  const [{ code, reason, reference }] = useState(signInError);
  const text = texts.signInErrorText(code, reason);
  return (
    <ProblemPage text={text} reference={reference} isOutcome>
      {code === 'access_denied' && (
        <p>
          <Unlock text={texts.unlock} />
        </p>
      )}
      {text.next === 'home' && <Button href="/" text={texts.goHome} />}
      {text.next === 'confirm' && <SignInButton text={texts.confirmIdentity} {...lastSignIn()} reauth />}
      {!text.next && <SignInButton text={texts.tryAgain} {...lastSignIn()} />}
    </ProblemPage>
  );
}

type ProblemPageProps = Pick<PageProps, 'reference' | 'isOutcome' | 'children'> & { text: ProblemText };
function ProblemPage({ text, children, ...page }: ProblemPageProps) {
  const { texts } = useShared();
  const state = useSession();
  return (
    <Page title={text.heading} help={text.contact} {...page}>
      <p>{text.happened}</p>
      {state.status === 'active' && (
        <Inset>
          {texts.stillSignedInAs(texts.personName(state.user))}{' '}
          <a href={lastSignIn().returnTo}>{texts.goBack}</a>.
        </Inset>
      )}
      <h2 className="nhsuk-heading-m">{texts.whatToDo}</h2>
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
