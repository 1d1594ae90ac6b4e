/** What several pages share: headings, buttons, the way into a sign-in, and whom to call. */
import { useEffect, useRef, useState, type MouseEvent, type ReactElement, type ReactNode } from 'react';
import { useBff, useSession } from '../react/index.ts';
import { pageAddress, startSignIn } from '../sign-in/index.ts';
import type { SignInOptions } from '../types.ts';
import { useShared } from './provider.tsx';

export interface PageProps {
  /** The heading, and the title of the document with the name of the service. */
  readonly title: string;
  /** Above the heading. */
  readonly caption?: string | undefined;
  /** The page says what came of something: its heading takes the focus when the page is loaded, too. */
  readonly isOutcome?: boolean | undefined;
  /** Who helps when the page does not. */
  readonly help?: string | undefined;
  /** What to tell them: the reference of a problem. */
  readonly reference?: string | null | undefined;
  readonly children?: ReactNode;
}

/** A page's heading and title. The heading takes the focus where the page changes under the reader. */
export function Page({ title, caption, isOutcome, help, reference, children }: PageProps): ReactElement {
  const heading = useRef<HTMLHeadingElement>(null);
  const { texts, serviceName, lastHeading } = useShared();
  const state = useSession();
  const endsSoon = state.status === 'active' && state.warning;
  const shownTitle = endsSoon ? texts.endsSoonTitle : title;
  useEffect(() => {
    document.title = `${shownTitle} – ${serviceName}`;
  }, [shownTitle, serviceName]);
  useEffect(() => {
    const last = lastHeading.current;
    const element = heading.current;
    lastHeading.current = { element, title };
    // StrictMode runs this twice for the page that is shown first: it has not changed.
    const isChange = last !== null && (last.element !== element || last.title !== title);
    if (isChange || isOutcome) element?.focus();
  }, [title, isOutcome, lastHeading]);
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

/** Who helps when the page's button does not, and what to tell them. */
function Help({ help, reference }: Pick<PageProps, 'help' | 'reference'>) {
  const { texts } = useShared();
  const [copied, setCopied] = useState('');
  const copy = (text: string) =>
    void navigator.clipboard
      .writeText(text)
      .then(() => texts.copied)
      .catch(() => texts.notCopied)
      .then(setCopied);
  return (
    <section aria-labelledby="help">
      <h2 className="nhsuk-heading-m" id="help">
        {texts.helpHeading}
      </h2>
      <p>{help}</p>
      {reference && (
        <div className="bff-reference-panel">
          <p>{texts.giveReference}</p>
          <p className="bff-reference" id="reference">
            {reference}
          </p>
          <Button kind="secondary" text={texts.copyReference} onClick={() => copy(reference)} />
          <span role="status">{copied}</span>
        </div>
      )}
    </section>
  );
}

export interface ButtonProps {
  readonly text: string;
  /** Follows the text, for screen readers only. */
  readonly about?: string;
  /** @default the page's main button */
  readonly kind?: 'secondary' | 'login';
  /** Without it, and without `href`, the button submits its form. */
  readonly onClick?: (event: MouseEvent<HTMLElement>) => void;
  /** Makes it a link that looks like a button. */
  readonly href?: string;
}

/** A button of the NHS design system. */
export function Button({ text, about, kind, onClick, href }: ButtonProps): ReactElement {
  const className = kind ? `nhsuk-button nhsuk-button--${kind}` : 'nhsuk-button';
  const content = about ? (
    <>
      {text}
      <span className="nhsuk-u-visually-hidden"> {about}</span>
    </>
  ) : (
    text
  );
  return href === undefined ? (
    <button type={onClick ? 'button' : 'submit'} className={className} onClick={onClick}>
      {content}
    </button>
  ) : (
    <a className={className} href={href}>
      {content}
    </a>
  );
}

type SignInButtonProps = Pick<ButtonProps, 'text' | 'kind'> & SignInOptions;
/** Starts a sign-in, and remembers it, so that a failed one can be tried again. */
export function SignInButton({ text, kind = 'login', ...options }: SignInButtonProps) {
  const client = useBff();
  return <Button text={text} kind={kind} onClick={() => void startSignIn(client, options)} />;
}

export interface SignInProps {
  /** Where the sign-in leads to. @default the page as it is */
  readonly returnTo?: string;
}

/** The button that signs in, and whether the sign-in leads back to the page that was asked for. */
export function SignIn({ returnTo }: SignInProps): ReactElement {
  const { texts, isBrowser } = useShared();
  const target = returnTo ?? (isBrowser ? pageAddress() : '/');
  return (
    <>
      {/* The address is not shown: anybody can have written it. */}
      {target !== '/' && <Inset>{texts.comeBack}</Inset>}
      <SignInButton text={texts.signIn} returnTo={target} />
    </>
  );
}

export function Inset({ children }: { children: ReactNode }) {
  const { texts } = useShared();
  return (
    <div className="nhsuk-inset-text">
      <span className="nhsuk-u-visually-hidden">{texts.information} </span>
      <p>{children}</p>
    </div>
  );
}

/** Pairs of a name and a value; those without a value are left out. */
export const Summary = ({ rows }: { rows: readonly (readonly [name: string, value: ReactNode])[] }) => (
  <dl className="nhsuk-summary-list">
    {rows.map(
      ([name, value]) =>
        value && (
          <div className="nhsuk-summary-list__row nhsuk-summary-list__row--no-actions" key={name}>
            <dt className="nhsuk-summary-list__key">{name}</dt>
            <dd className="nhsuk-summary-list__value">{value}</dd>
          </div>
        ),
    )}
  </dl>
);
