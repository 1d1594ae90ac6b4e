/** What several pages share: headings, notices, calls, forms, the way into a sign-in, and whom to call. */
import { createContext, useContext, useEffect, useRef, useState } from 'react';
import type { ComponentProps, ReactNode } from 'react';
import type { ActiveState, BffError, SignInOptions } from '../../client/index.ts';
import { useSession } from '../../client/react/index.ts';
import { pageAddress, startSignIn } from '../../client/sign-in/index.ts';
import { bff } from './bff.ts';

/** What is said to the person: a function of the session where it could become untrue. */
type Told = string | ((session: ActiveState) => string);
/** What stands above the page until the person acts. */
export type Notice = { kind: 'Success' | 'Important' | 'Error'; heading?: string; text: Told };
export interface Shell {
  /** Runs what a button asked for. A failure is said above the page, under this heading; so is what the action gives. */
  attempt: (heading: string, action: () => Promise<void> | Promise<Told>) => void;
  /** Shows another page without loading it, so that a notice stays. */
  go: (path: string) => void;
  signOut: () => void;
}
export const ShellContext = createContext({} as Shell);
export const useShell = (): Shell => useContext(ShellContext);

/** What a call gave, or its error, and `null` until then; and a function that calls again. */
export function useCall<Value>(call: () => Promise<Value>) {
  const [result, setResult] = useState<Value | BffError | null>(null);
  const again = () => void call().then(setResult, setResult);
  useEffect(again, []);
  return [result, again] as const;
}

let hasShownPage = false;

interface PageProps extends Partial<HelpProps> {
  title: string;
  caption?: string;
  isOutcome?: boolean;
  children: ReactNode;
}
/** A page's heading and title. Where a page changes under the reader, or `isOutcome`, the heading takes the focus. */
export function Page({ title, caption, isOutcome = false, help, reference, children }: PageProps) {
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
        {help && <Help help={help} reference={reference} />}
      </div>
    </div>
  );
}

type HelpProps = { help: string; reference?: string | null | undefined };
/** Who helps when the page's button does not, and what to tell them. */
function Help({ help, reference }: HelpProps) {
  const [copied, setCopied] = useState('');
  const copy = (text: string) =>
    navigator.clipboard.writeText(text).then(
      () => setCopied('Copied'),
      () => setCopied('Select the reference and copy it, or write it down'),
    );
  return (
    <section aria-labelledby="help">
      <h2 className="nhsuk-heading-m" id="help">
        If you need help
      </h2>
      <p>{help}</p>
      {reference && (
        <div className="app-reference-panel">
          <p>Give this reference. It helps them find out what happened.</p>
          <p className="app-reference" id="reference">
            {reference}
          </p>
          <Button kind="secondary" text="Copy reference" onClick={() => void copy(reference)} />
          <span role="status">{copied}</span>
        </div>
      )}
    </section>
  );
}

type ButtonProps = { text: string; about?: string; kind?: 'secondary' | 'login'; onClick?: () => void };
/** `about` is for screen readers only. Without `onClick` it submits its form. */
export const Button = ({ text, about, kind, onClick }: ButtonProps) => (
  <button
    type={onClick ? 'button' : 'submit'}
    className={`nhsuk-button ${kind ? `nhsuk-button--${kind}` : ''}`}
    onClick={onClick}
  >
    {text}
    {about && <span className="nhsuk-u-visually-hidden"> {about}</span>}
  </button>
);
export const LinkButton = ({ to, text }: { to: string; text: string }) => (
  <a className="nhsuk-button" href={to}>
    {text}
  </a>
);
export const SignInButton = ({ text, kind = 'login', ...options }: ButtonProps & SignInOptions) => (
  <Button text={text} kind={kind} onClick={() => void startSignIn(bff, options)} />
);
export const SignIn = ({ returnTo = pageAddress() }: SignInOptions) => (
  <>
    {/* The address is not shown: anybody can have written it. */}
    {returnTo !== '/' && <Inset>After you sign in you will come back to the page that you asked for.</Inset>}
    <SignInButton text="Sign in with my Care Identity" returnTo={returnTo} />
  </>
);

export const Inset = ({ children }: { children: ReactNode }) => (
  <div className="nhsuk-inset-text">
    <span className="nhsuk-u-visually-hidden">Information: </span>
    <p>{children}</p>
  </div>
);

/** Pairs of a name and a value; those without a value are left out. */
export const Summary = ({ rows }: { rows: Record<string, ReactNode> }) => (
  <dl className="nhsuk-summary-list">
    {Object.entries(rows).map(
      ([name, value]) =>
        value && (
          <div className="nhsuk-summary-list__row" key={name}>
            <dt className="nhsuk-summary-list__key">{name}</dt>
            <dd className="nhsuk-summary-list__value">{value}</dd>
          </div>
        ),
    )}
  </dl>
);

type FieldProps = ComponentProps<'input'> & { label: string; name: string; hint?: string };
export const Field = ({ label, hint, name, ...input }: FieldProps) => (
  <div className="nhsuk-form-group">
    <label className="nhsuk-label nhsuk-label--s" htmlFor={name}>
      {label}
    </label>
    {hint && (
      <div className="nhsuk-hint" id={`${name}-hint`}>
        {hint}
      </div>
    )}
    <input
      className="nhsuk-input"
      id={name}
      name={name}
      type="text"
      autoComplete="off"
      spellCheck={false}
      aria-describedby={hint && `${name}-hint`}
      {...input}
    />
  </div>
);
