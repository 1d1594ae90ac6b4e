/** Shows the page that belongs to the path and to who is signed in, and what is said above it. */
import { useEffect, useReducer, useRef, type MouseEvent, type ReactElement, type ReactNode } from 'react';
import { RequireSession, useSession } from '../react/index.ts';
import { asksAboutOthers } from '../sign-in/index.ts';
import type { ActiveState } from '../types.ts';
import { Checking, SignedOutPages, SignInErrorPage, SignInPage } from './signed-out.tsx';
import { Button } from './parts.tsx';
import { useShared } from './provider.tsx';
import { RolePage } from './role.tsx';
import { OtherSessionsPage, SessionsPage } from './sessions.tsx';

export interface SessionPagesProps {
  /** The page of somebody who is not signed in yet. @default `<SignInPage />` */
  readonly welcome?: ReactNode;
  /** A page for everybody, such as the accessibility statement: it takes the place of all others. */
  readonly publicPage?: ReactNode;
  /** The app: shown while somebody is signed in, works in a role, and has nothing to answer. */
  readonly children?: ReactNode;
}

/**
 * The app's pages, or the page that has to come before them: to sign in, a failed sign-in, the end of a session, the choice
 * of a role, the question about other sessions. The app starts anew whenever the person or the role changes.
 */
export function SessionPages({ welcome, publicPage, children }: SessionPagesProps): ReactElement {
  const state = useSession();
  const session = state.status === 'active' ? state : null;
  const { path, isBrowser } = useShared();
  const show = (): ReactNode => {
    if (publicPage) return publicPage;
    if (!isBrowser) return <Checking />;
    if (path === '/sign-in-error') return <SignInErrorPage />;
    return (
      <RequireSession fallback={<SignedOutPages welcome={welcome ?? <SignInPage />} />}>
        {session && (
          <SignedInPages key={session.handle} session={session}>
            {children}
          </SignedInPages>
        )}
      </RequireSession>
    );
  };
  return (
    <>
      <Notices session={session} />
      {show()}
    </>
  );
}

function SignedInPages({ session, children }: { session: ActiveState; children: ReactNode }) {
  const { path, paths } = useShared();
  // What they answered is in the tab's storage.
  const [, showNext] = useReducer((count: number) => count + 1, 0);
  if (path === paths.sessions) return <SessionsPage session={session} />;
  if (path !== paths.role && asksAboutOthers(session))
    return <OtherSessionsPage session={session} onAnswer={showNext} />;
  if (path === paths.role || session.role === null) return <RolePage session={session} />;
  return children;
}

function Notices({ session }: { session: ActiveState | null }) {
  const { texts, notice, hideNotice } = useShared();
  const { kind, heading, text: noticeText } = notice ?? {};
  const text = typeof noticeText === 'function' ? session && noticeText(session) : noticeText;
  const hide = ({ currentTarget }: MouseEvent<HTMLElement>) => {
    const next =
      currentTarget.closest<HTMLElement>('main[tabindex]') ?? document.getElementById('page-title');
    hideNotice();
    next?.focus();
  };
  const button = <Button kind="secondary" text={texts.hideMessage} onClick={hide} />;
  const shown = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = text ? shown.current : null;
    // jsdom, in which apps run tests, does not scroll.
    if (element && 'scrollIntoView' in element) element.scrollIntoView({ block: 'nearest' });
  }, [notice, text]);
  return (
    <>
      <div id="notice" role="status">
        {text && kind !== 'error' && (
          <div
            ref={shown}
            className={`nhsuk-notification-banner${kind === 'success' ? ' nhsuk-notification-banner--success' : ''}`}
          >
            <div className="nhsuk-notification-banner__header">
              <h2 className="nhsuk-notification-banner__title">{heading}</h2>
            </div>
            <div className="nhsuk-notification-banner__content">
              <p className="nhsuk-notification-banner__heading">{text}</p>
              {button}
            </div>
          </div>
        )}
      </div>
      <div id="alert" role="alert">
        {text && kind === 'error' && (
          <div className="nhsuk-error-summary" ref={shown}>
            <h2 className="nhsuk-error-summary__heading">{heading}</h2>
            <div className="nhsuk-error-summary__body">
              <p>{text}</p>
              {button}
            </div>
          </div>
        )}
      </div>
    </>
  );
}
