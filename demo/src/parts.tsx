/** What several pages share: headings, buttons, fields, the way into a sign-in, and whom to call. */
import { useEffect, useRef, useState, type ReactNode } from 'react';
import { Col, InsetText, Row, SummaryList, TextInput, type TextInputProps } from 'nhsuk-react-components';
import type { SignInOptions } from '../../client/index.ts';
import { useSession } from '../../client/react/index.ts';
import { pageAddress, startSignIn } from '../../client/sign-in/index.ts';
import { bff } from './bff.ts';

let hasShownPage = false;
export type PageProps = {
  title: string;
  caption?: string;
  isOutcome?: boolean;
  children: ReactNode;
} & HelpProps;
/** A page's heading and title. Where a page changes under the reader, or `isOutcome`, the heading takes the focus. */
export function Page({ title, caption, isOutcome, help, reference, children }: PageProps) {
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
    <Row>
      <Col width="two-thirds">
        {caption && <span className="nhsuk-caption-xl">{caption}</span>}
        <h1 className="nhsuk-heading-xl" tabIndex={-1} ref={heading} id="page-title">
          {title}
        </h1>
        {children}
        {help && <Help help={help} reference={reference} />}
      </Col>
    </Row>
  );
}

type HelpProps = { help?: string; reference?: string | null | undefined };
/** Who helps when the page's button does not, and what to tell them. */
function Help({ help, reference }: HelpProps) {
  const [copied, setCopied] = useState('');
  const copy = (text: string) =>
    void navigator.clipboard
      .writeText(text)
      .then(() => 'Copied')
      .catch(() => 'Select the reference and copy it, or write it down')
      .then(setCopied);
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
          <Button kind="secondary" text="Copy reference" onClick={() => copy(reference)} />
          <span role="status">{copied}</span>
        </div>
      )}
    </section>
  );
}

type ButtonProps = {
  text: string;
  about?: string;
  kind?: 'primary' | 'secondary' | 'login';
  onClick?: () => void;
};
/** `about` is for screen readers only. Without `onClick` it submits its form. */
export const Button = ({ text, about, kind = 'primary', onClick }: ButtonProps) => (
  <button
    type={onClick ? 'button' : 'submit'}
    className={`nhsuk-button nhsuk-button--${kind}`}
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
  <InsetText>
    <p>{children}</p>
  </InsetText>
);

/** Pairs of a name and a value; those without a value are left out. */
export const Summary = ({ rows }: { rows: Record<string, ReactNode> }) => (
  <SummaryList>
    {Object.entries(rows).map(
      ([name, value]) =>
        value && (
          <SummaryList.Row key={name}>
            <SummaryList.Key>{name}</SummaryList.Key>
            <SummaryList.Value>{value}</SummaryList.Value>
          </SummaryList.Row>
        ),
    )}
  </SummaryList>
);

export const Field = (props: TextInputProps & { name: string }) => (
  <TextInput id={props.name} labelProps={{ size: 's' }} autoComplete="off" spellCheck={false} {...props} />
);
