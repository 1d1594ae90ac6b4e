/** What several pages share: headings, notices, the way into a sign-in, and whom to call. */
import { createContext, useContext, useEffect, useRef, useState, type ReactNode } from 'react';
import { BffError, type ActiveState, type SignInOptions } from '../../client/index.ts';
import { useBff, useSession } from '../../client/react/index.ts';
import { here, rememberSignIn } from './tab-storage.ts';
import { failureText } from './wording.ts';

/** What stands above the page until the person acts. */
export interface Notice {
  readonly kind: 'Success' | 'Important' | 'Error';
  readonly heading?: string;
  readonly text: string;
  /** Whether the text still holds for a session. @default always */
  readonly isTrue?: (session: ActiveState) => boolean;
}

interface Shell {
  readonly tell: (notice: Notice | null) => void;
  /** Shows another page without loading it, so that a notice stays. */
  readonly go: (path: string) => void;
}
export const ShellContext = createContext<Shell>({ tell: () => undefined, go: () => undefined });
export const useShell = (): Shell => useContext(ShellContext);

/** Runs what a button asked for. A failure is shown above the page, and gives `false`. */
export function useAttempt() {
  const { tell } = useShell();
  return async (heading: string, action: () => Promise<void>): Promise<boolean> => {
    tell(null);
    try {
      await action();
      return true;
    } catch (error) {
      if (!(error instanceof BffError)) throw error;
      tell({ kind: 'Error', heading, text: failureText(error) });
      return false;
    }
  };
}

let hasShownPage = false;

/** A page's heading and title. Where a page changes under the reader, or `isOutcome`, the heading takes the focus. */
export function Page(props: {
  readonly title: string;
  readonly caption?: string;
  readonly isOutcome?: boolean;
  readonly children: ReactNode;
}) {
  const { title, caption, isOutcome = false, children } = props;
  const heading = useRef<HTMLHeadingElement>(null);
  const state = useSession();
  const endsSoon = state.status === 'active' && state.warning;
  useEffect(() => {
    document.title = `${endsSoon ? 'You will be signed out soon' : title} – Example surgery`;
  }, [title, endsSoon]);
  useEffect(() => {
    if (hasShownPage || isOutcome) heading.current?.focus();
    hasShownPage = true;
  }, [title, isOutcome]);
  return (
    <div className="nhsuk-grid-row">
      <div className="nhsuk-grid-column-two-thirds">
        {caption && <span className="nhsuk-caption-xl">{caption}</span>}
        <h1 className="nhsuk-heading-xl" tabIndex={-1} ref={heading} id="page-title">
          {title}
        </h1>
        {children}
      </div>
    </div>
  );
}

export const Button = (props: {
  readonly kind?: 'secondary' | 'login' | 'small';
  readonly onClick?: () => void;
  readonly children: ReactNode;
}) => (
  <button
    type={props.onClick ? 'button' : 'submit'}
    className={`nhsuk-button ${props.kind ? `nhsuk-button--${props.kind}` : ''}`}
    onClick={props.onClick}
  >
    {props.children}
  </button>
);

/** Starts a sign-in, and remembers it until somebody is signed in: a failed one comes back without its `returnTo`. */
export function SignInButton(
  props: SignInOptions & { readonly text: string; readonly isSecondary?: boolean },
) {
  const bff = useBff();
  const { text, isSecondary, ...given } = props;
  const signIn = () => {
    const options = { returnTo: here(), ...given };
    rememberSignIn(options);
    void bff.signIn(options);
  };
  return (
    <Button kind={isSecondary ? 'secondary' : 'login'} onClick={signIn}>
      {text}
    </Button>
  );
}
export const SignIn = ({ returnTo = here() }: { readonly returnTo?: string }) => (
  <>
    {/* The address is not shown: anybody can have written it. */}
    {returnTo !== '/' && <Inset>After you sign in you will come back to the page that you asked for.</Inset>}
    <SignInButton text="Sign in with my Care Identity" returnTo={returnTo} />
  </>
);

export const Inset = ({ children }: { readonly children: ReactNode }) => (
  <div className="nhsuk-inset-text">
    <span className="nhsuk-u-visually-hidden">Information: </span>
    <p>{children}</p>
  </div>
);

export const Steps = ({ items }: { readonly items: readonly ReactNode[] }) =>
  items.length === 1 ? (
    <p>{items[0]}</p>
  ) : (
    <ol className="nhsuk-list nhsuk-list--number">
      {items.map((item, index) => (
        <li key={index}>{item}</li>
      ))}
    </ol>
  );

/** Pairs of a name and a value; those without a value are left out. */
export const Summary = ({ rows }: { readonly rows: Readonly<Record<string, ReactNode>> }) => (
  <dl className="nhsuk-summary-list">
    {Object.entries(rows)
      .filter(([, value]) => Boolean(value))
      .map(([name, value]) => (
        <div className="nhsuk-summary-list__row" key={name}>
          <dt className="nhsuk-summary-list__key">{name}</dt>
          <dd className="nhsuk-summary-list__value">{value}</dd>
        </div>
      ))}
  </dl>
);

export const Field = (props: {
  readonly label: string;
  readonly name: string;
  readonly hint?: string;
  readonly type?: string;
  readonly value?: string;
  readonly onChange?: (value: string) => void;
}) => (
  <div className="nhsuk-form-group">
    <label className="nhsuk-label nhsuk-label--s" htmlFor={props.name}>
      {props.label}
    </label>
    {props.hint && (
      <div className="nhsuk-hint" id={`${props.name}-hint`}>
        {props.hint}
      </div>
    )}
    <input
      className="nhsuk-input"
      id={props.name}
      name={props.name}
      type={props.type ?? 'text'}
      defaultValue={props.value}
      autoComplete="off"
      spellCheck={false}
      aria-describedby={props.hint && `${props.name}-hint`}
      onChange={(event) => props.onChange?.(event.target.value)}
    />
  </div>
);

/** Who helps when the page's button does not, and what to tell them. */
export function Help({
  contact,
  reference,
}: {
  readonly contact: string;
  readonly reference?: string | null;
}) {
  const [copied, setCopied] = useState('');
  const copy = () => {
    navigator.clipboard.writeText(reference ?? '').then(
      () => setCopied('Copied'),
      () => setCopied('Select the reference and copy it, or write it down'),
    );
  };
  return (
    <section aria-labelledby="help">
      <h2 className="nhsuk-heading-m" id="help">
        If you need help
      </h2>
      <p>{contact}</p>
      {reference && (
        <div className="app-reference-panel">
          <p>Give this reference. It helps them find out what happened.</p>
          <p className="app-reference" id="reference">
            {reference}
          </p>
          <Button kind="secondary" onClick={copy}>
            Copy reference
          </Button>
          <span role="status">{copied}</span>
        </div>
      )}
    </section>
  );
}

export const unlockUrl =
  'https://manage-care-identities.care-identity-service2.nhs.uk/#/self-service/unlock-authenticator';
