/** What the pages share: the path, the words, what is said above the page, and who was signed in before. */
import {
  createContext,
  useContext,
  useEffect,
  useRef,
  useState,
  useSyncExternalStore,
  type ReactElement,
  type ReactNode,
  type RefObject,
} from 'react';
import { pageTexts, type PageTexts } from '../english/pages.ts';
import { BffError } from '../errors.ts';
import { TimeoutDialog, useBff, useSession } from '../react/index.ts';
import type { TimeoutTexts } from '../timeout-dialog/index.ts';
import type { ActiveState, SessionClient } from '../types.ts';

/** The text of a notice: a function of the session where it would otherwise become wrong. */
export type NoticeText = string | ((session: ActiveState) => string);
/** What stands above the page until the person acts. */
interface Notice {
  readonly kind: 'success' | 'important' | 'error';
  readonly heading: string;
  readonly text: NoticeText;
}

/** What an app's own pages and its header have of the pages around them. */
export interface Pages {
  /** The path of the page that is shown. */
  readonly path: string;
  /** Shows another page in place of this one. What is said above the page stays. */
  readonly navigate: (path: string) => void;
  /**
   * Runs what a button asked for, and says above the page what came of it: the text that `action` gives, or under
   * `heading` why it failed. An error other than a `BffError` is also left unhandled, for the browser to report.
   */
  readonly attempt: (heading: string, action: () => Promise<void> | Promise<NoticeText>) => void;
  /** Signs out. If that fails, it is said above the page. */
  readonly signOut: () => void;
}

/** The app's router, where it has one. */
export interface Router {
  /** The path of the address, without its query. */
  readonly path: string;
  /** Goes to another path, in place of this one in the history. */
  readonly navigate: (path: string) => void;
}

/** The paths of the pages that are not the BFF's to decide. */
export interface PagePaths {
  /** The choice and the change of a role. @default '/role' */
  readonly role?: string;
  /** Where the person is signed in. @default '/sessions' */
  readonly sessions?: string;
}

interface Shared extends Pages {
  readonly serviceName: string;
  readonly texts: PageTexts;
  readonly paths: Required<PagePaths>;
  /** False where a server renders, and until that is taken over in the browser. */
  readonly isBrowser: boolean;
  /** Whether somebody was signed in on this page. */
  readonly hadSession: boolean;
  readonly notice: Notice | null;
  readonly hideNotice: () => void;
  /** The heading that was shown last. */
  readonly lastHeading: RefObject<{ element: HTMLElement | null; title: string } | null>;
}

const Context = createContext<Shared | null>(null);

export const useShared = (): Shared => {
  const shared = useContext(Context);
  if (shared === null) throw new Error('there is no <PagesProvider serviceName="…"> around this component');
  return shared;
};

/**
 * The path, and what an app's own pages do as the others do it.
 *
 * @throws Error outside of a `PagesProvider`
 */
export const usePages = (): Pages => useShared();

const subscribe = (listener: () => void): (() => void) => {
  addEventListener('popstate', listener);
  return () => removeEventListener('popstate', listener);
};
const currentPath = (): string => location.pathname;
const serverPath = (): null => null;
/** The event is what the browser itself would send. */
const replacePath = (path: string): void => {
  history.replaceState(null, '', path);
  dispatchEvent(new PopStateEvent('popstate'));
};

const uidOf = ({ session }: SessionClient): string | null => {
  const state = session.get();
  return state.status === 'active' ? state.user.uid : null;
};

export interface PagesProviderProps {
  /** For the document's title, and the texts that name the service. */
  readonly serviceName: string;
  /** Texts that take the place of the English ones. */
  readonly texts?: Partial<PageTexts>;
  /** Texts that take the place of the time-out dialog's English ones. */
  readonly timeoutTexts?: Partial<TimeoutTexts>;
  readonly paths?: PagePaths;
  /** @default the address of the page, which `navigate` replaces */
  readonly router?: Router;
  readonly children?: ReactNode;
}

/** Goes around the header and the pages, inside a `BffProvider`. It has the time-out dialog. */
export function PagesProvider(props: PagesProviderProps): ReactElement {
  const { serviceName, timeoutTexts, router, children } = props;
  const client = useBff();
  const state = useSession();
  const session = state.status === 'active' ? state : null;
  const ownPath = useSyncExternalStore(subscribe, currentPath, serverPath);
  const [notice, setNotice] = useState<Notice | null>(null);
  const [hadSession, setHadSession] = useState(false);
  if (!hadSession && (session || state.status === 'ended')) setHadSession(true);
  const lastHeading: Shared['lastHeading'] = useRef(null);
  const before = useRef<ActiveState | null>(null);
  const texts = { ...pageTexts, ...props.texts };
  const { path, navigate } = router ?? { path: ownPath ?? '/', navigate: replacePath };

  useEffect(() => {
    const was = before.current;
    before.current = session;
    // What one person saw is never left for another, or for nobody, to read.
    if (session?.user.uid !== was?.user.uid) setNotice(null);
    if (was && session && was.handle !== session.handle) {
      const { heading, text } = texts.changeText(was, session);
      setNotice({ kind: heading ? 'error' : 'important', heading: heading ?? texts.important, text });
    }
    // The page that confirms a sign-out would be untrue for somebody who has signed in since.
    if (session && path === '/signed-out') navigate('/');
  }, [session, path]);

  const attempt: Pages['attempt'] = (heading, action) => {
    const uid = uidOf(client);
    setNotice(null);
    action().then(
      (text) => {
        // It may name a patient: it is for whoever asked, and not for somebody who has signed in meanwhile.
        if (text && uidOf(client) === uid) setNotice({ kind: 'success', heading: texts.success, text });
      },
      (error: unknown) => {
        const isKnown = error instanceof BffError;
        const text = texts.failureText(isKnown ? error : new BffError('unknown'));
        setNotice({ kind: 'error', heading, text });
        if (!isKnown) throw error;
      },
    );
  };
  const shared: Shared = {
    ...{ serviceName, texts, path, navigate, attempt, hadSession, notice, lastHeading },
    paths: { role: '/role', sessions: '/sessions', ...props.paths },
    isBrowser: ownPath !== null,
    signOut: () => attempt(texts.notSignedOut, client.signOut),
    hideNotice: () => setNotice(null),
  };
  return (
    <Context.Provider value={shared}>
      {children}
      {/* The end of a session has a page, which is not to be covered. */}
      {session && <TimeoutDialog texts={timeoutTexts} />}
    </Context.Provider>
  );
}
