'use client';
/** `cis2-bff/client/react`: the client in React 18 and 19. */
import {
  createContext,
  createElement,
  useCallback,
  useContext,
  useEffect,
  useRef,
  useState,
  useSyncExternalStore,
  type ReactElement,
  type ReactNode,
} from 'react';
import { keepDraft, type Draft } from '../draft/index.ts';
import { forgetAnswer, forgetSignIn } from '../sign-in/index.ts';
import type { BffTimeoutDialog, TimeoutTexts } from '../timeout-dialog/index.ts';
import '../timeout-dialog/index.ts';
import type { Bff, Role, SessionClient, SessionState } from '../types.ts';

const Context = createContext<SessionClient | null>(null);
const loading: SessionState = { status: 'loading' };
const serverState = (): SessionState => loading;

export interface BffProviderProps {
  readonly client: SessionClient;
  readonly children?: ReactNode;
}

/** Gives the client to everything inside. */
export const BffProvider = ({ client, children }: BffProviderProps): ReactElement =>
  createElement(Context.Provider, { value: client }, children);

const useClient = (): SessionClient => {
  const client = useContext(Context);
  if (client === null) throw new Error('there is no <BffProvider client={…}> around this component');
  return client;
};

/**
 * The client. `useBff<typeof upstreams>()` has the types of the app's manifest.
 *
 * @throws Error outside of a `BffProvider`
 */
export const useBff = <Upstreams = unknown>(): Bff<Upstreams> => useClient() as Bff<Upstreams>;

/**
 * The state of the session; `loading` where a server renders.
 *
 * @throws Error outside of a `BffProvider`
 */
export function useSession(): SessionState {
  const { session } = useClient();
  return useSyncExternalStore(session.subscribe, session.get, serverState);
}

const signInKey = 'cis2-bff:sign-in';

/** Whether this tab may start a sign-in by itself: once, until somebody has been signed in. */
const mayStartSignIn = (): boolean => {
  try {
    if (sessionStorage.getItem(signInKey) !== null) return false;
    sessionStorage.setItem(signInKey, String(Date.now()));
    return true;
  } catch {
    // Where it cannot be written down, a loop would not be noticed.
    return false;
  }
};
const allowStart = (): void => {
  try {
    sessionStorage.removeItem(signInKey);
  } catch {
    // There was nothing to remove then.
  }
};

export interface RequireSessionProps {
  /**
   * Shown in every state but `active`. Without one, a sign-in is started once when nobody is signed in, and a button and a
   * status text in English are shown.
   */
  readonly fallback?: ReactNode;
  readonly children?: ReactNode;
}

/** Shows its children while somebody is signed in. */
export function RequireSession({ fallback, children }: RequireSessionProps): ReactNode {
  const client = useClient();
  const { status } = useSession();
  const [isOffered, setOffered] = useState(false);
  const isAutomatic = fallback === undefined;
  useEffect(() => {
    if (status === 'ended' || status === 'anonymous') forgetAnswer();
    if (status === 'active') {
      allowStart();
      forgetSignIn();
      setOffered(false);
    } else if (isAutomatic && status === 'anonymous') {
      const offer = () => setOffered(true);
      // Once the page has been left: whoever comes back to it from the browser's memory has to find something on it.
      if (mayStartSignIn()) client.signIn().then(offer, offer);
      else offer();
    }
  }, [client, status, isAutomatic]);

  if (status === 'active') return children;
  if (!isAutomatic) return fallback;
  if (status === 'unavailable')
    return createElement('p', { role: 'status' }, 'The service is not available. Trying again…');
  // It came back without a session, or the person came back from it: now it is theirs to start.
  if (status !== 'ended' && !(status === 'anonymous' && isOffered)) return null;
  return createElement('button', { type: 'button', onClick: () => void client.signIn() }, 'Sign in');
}

export interface RequireRoleProps {
  /** Which roles will do. @default any that is chosen */
  readonly accept?: (role: Role) => boolean;
  /** Shown while nobody is signed in, or no role that will do is chosen. @default nothing */
  readonly fallback?: ReactNode;
  readonly children?: ReactNode;
}

/** Shows its children while somebody is signed in and works in a role. */
export function RequireRole({ accept, fallback = null, children }: RequireRoleProps): ReactNode {
  const state = useSession();
  const role = state.status === 'active' ? state.role : null;
  return role !== null && (accept === undefined || accept(role)) ? children : fallback;
}

export interface TimeoutDialogProps {
  /** Texts that take the place of the English ones. */
  readonly texts?: Partial<TimeoutTexts> | undefined;
}

/** The dialog of `cis2-bff/client/timeout-dialog`: warns before the session ends, and covers the page once it has. */
export function TimeoutDialog({ texts }: TimeoutDialogProps): ReactElement {
  const client = useClient();
  const [element, setElement] = useState<BffTimeoutDialog | null>(null);
  useEffect(() => {
    if (element === null) return undefined;
    element.client = client;
    return () => {
      element.client = null;
    };
  }, [element, client]);
  useEffect(() => {
    if (element !== null) element.texts = texts ?? {};
  }, [element, texts]);
  return createElement('bff-timeout-dialog', { ref: setElement });
}

/** A form whose content is kept, and the way to give up what is kept. */
export interface FormDraft {
  /** For the `ref` of the form. */
  readonly ref: (form: HTMLFormElement | null) => void;
  /** The work is saved, or given up. */
  readonly forget: () => void;
}

/**
 * Keeps what is typed in a form, as `keepDraft` of `cis2-bff/client/draft` does, while the form is on the page.
 *
 * @param name - tells the forms of a page apart
 */
export function useDraft(name: string): FormDraft {
  const client = useClient();
  const [form, setForm] = useState<HTMLFormElement | null>(null);
  const draft = useRef<Draft | null>(null);
  useEffect(() => {
    if (form === null) return undefined;
    const mine = (draft.current = keepDraft(client, form, { name }));
    return () => mine.stop();
  }, [client, form, name]);
  const forget = useCallback(() => draft.current?.forget(), []);
  return { ref: setForm, forget };
}
