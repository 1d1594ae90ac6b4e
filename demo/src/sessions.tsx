/** Where a person is signed in, until when, and how they signed in. */
import { useCallback, useEffect, useState } from 'react';
import { BffError, type ActiveState, type ListedSession } from '../../client/index.ts';
import { useBff } from '../../client/react/index.ts';
import { Button, Help, Inset, Page, SignInButton, Summary, useAttempt, useShell } from './parts.tsx';
import { tabStorage } from './tab-storage.ts';
import * as wording from './wording.ts';

/** Ends these sessions of the person's; one that had ended already is just as well. */
function useEndSessions() {
  const bff = useBff();
  const { tell } = useShell();
  return async (others: readonly ListedSession[]) => {
    const end = ({ handle }: ListedSession) =>
      bff.endSession(handle).catch((error: unknown) => {
        if (!(error instanceof BffError && error.code === 'not_found' && error.problem)) throw error;
      });
    await Promise.all(others.map(end));
    tell({ kind: 'Success', text: wording.endedElsewhere(others) });
  };
}

const Time = ({ at }: { readonly at: Date }) => (
  <time dateTime={at.toISOString()}>{wording.timeOfDay(at)}</time>
);

function Places({ session }: { readonly session: ActiveState }) {
  const bff = useBff();
  const attempt = useAttempt();
  const endSessions = useEndSessions();
  const [listed, setListed] = useState<readonly ListedSession[] | BffError | null>(null);
  const load = useCallback(() => {
    bff.sessions().then(setListed, (error: unknown) => setListed(error as BffError));
  }, [bff]);
  useEffect(load, [load]);

  if (listed === null) return <p role="status">Finding out where you are signed in…</p>;
  if (listed instanceof BffError) {
    return (
      <>
        <p role="alert">{wording.failureText(listed)}</p>
        <Button onClick={load}>Try again</Button>
      </>
    );
  }
  const others = listed.filter(({ current }) => !current);
  const isFresh = wording.signedInLately(session);
  const end = (ended: readonly ListedSession[]) =>
    void attempt('Not everything was signed out', () => endSessions(ended)).then(load);
  return (
    <>
      {others.length === 0 && <p>You are signed in on this device only.</p>}
      {others.length > 0 && !isFresh && (
        <>
          <Inset>To sign out another device, confirm first that it is you.</Inset>
          <SignInButton text="Confirm it is you" reauth isSecondary />
        </>
      )}
      <ul className="app-plain-list">
        {listed.map((place) => (
          <li className="nhsuk-card" key={place.handle}>
            <div className="nhsuk-card__content">
              <h2 className="nhsuk-card__heading nhsuk-heading-m">
                {place.device || 'Unknown device'}{' '}
                {place.current && <strong className="nhsuk-tag nhsuk-tag--green">This device</strong>}
              </h2>
              <Summary
                rows={{
                  'Signed in at': <Time at={place.signedInAt} />,
                  'Last active at': <Time at={place.lastActiveAt} />,
                }}
              />
              {(place.current || isFresh) && (
                <Button
                  kind="secondary"
                  onClick={() =>
                    place.current ? void attempt('You are still signed in', bff.signOut) : end([place])
                  }
                >
                  Sign out
                  <span className="nhsuk-u-visually-hidden"> of {wording.placeInWords(place)}</span>
                </Button>
              )}
            </div>
          </li>
        ))}
      </ul>
      {others.length > 1 && isFresh && (
        <Button kind="secondary" onClick={() => end(others)}>
          Sign out everywhere else
        </Button>
      )}
    </>
  );
}

export function SessionsPage({ session }: { readonly session: ActiveState }) {
  const { user, role, assurance, expires } = session;
  const bff = useBff();
  const attempt = useAttempt();
  const { tell } = useShell();
  const extend = () =>
    void attempt('Your session was not extended', async () => {
      await bff.extend();
      const now = bff.session.get();
      if (now.status !== 'active') return;
      const at = +now.expires.at;
      tell({
        kind: 'Success',
        text: `Your session now ends at ${wording.timeOfDay(now.expires.at)}.`,
        isTrue: (later) => +later.expires.at === at,
      });
    });
  return (
    <Page title="Where you are signed in" caption={wording.fullName(user)}>
      <Places session={session} />
      <h2 className="nhsuk-heading-m">Your session on this device</h2>
      <Summary
        rows={{
          Role: role && wording.roleAndCode(role),
          Organisation: role && wording.organisationAndCode(role),
          'Ends at': (
            <>
              <Time at={expires.at} />{' '}
              {expires.bindingLimit === 'idle' ? 'for inactivity' : 'at the limit for one sign-in'}
            </>
          ),
          'Ends at the latest': <Time at={expires.absoluteAt} />,
          'Signed in with': wording.methods(assurance.methods),
          'Authentication level': `Level ${assurance.authentication} of 3`,
          'Identity level': `Level ${assurance.identity} of 3`,
          'User ID': user.uid,
        }}
      />
      <Button kind="secondary" onClick={extend}>
        Stay signed in
      </Button>
      <Help contact="If there is a sign-in here that is not yours, sign it out and contact your IT service desk straight away." />
    </Page>
  );
}

const answerKey = 'other-sessions-kept';
/** One sign-in: the moment of it does not change with the role, as the session's handle does. */
const signInOf = ({ assurance }: ActiveState): string => assurance.authenticatedAt.toISOString();
/** The person was signed in elsewhere when they signed in, and has not said yet what about that. */
export const isToBeAsked = (session: ActiveState): boolean =>
  Boolean(session.otherSessions) && tabStorage.get(answerKey) !== signInOf(session);
export const forgetAnswer = () => tabStorage.remove(answerKey);

export function OtherSessionsPage({ session }: { readonly session: ActiveState }) {
  const bff = useBff();
  const attempt = useAttempt();
  const endSessions = useEndSessions();
  const { go } = useShell();
  const isOne = session.otherSessions === 1;
  const keep = () => {
    tabStorage.set(answerKey, signInOf(session));
    go(location.pathname);
  };
  const endOthers = () =>
    void attempt('You may still be signed in elsewhere', async () => {
      await endSessions((await bff.sessions()).filter(({ current }) => !current));
      keep();
    });
  return (
    <Page title="You are also signed in elsewhere">
      <p>
        When you signed in here, you were signed in in {isOne ? 'one other place' : 'other places'} as well.
        That can be another browser on this computer, or a computer that you have left. If somebody else can
        get to it, sign out there.
      </p>
      <div className="nhsuk-button-group">
        <Button onClick={endOthers}>Sign out there</Button>
        <Button kind="secondary" onClick={keep}>
          {isOne ? 'Keep both' : 'Keep them all'}
        </Button>
      </div>
      <p>
        <a href="/sessions">See where you are signed in</a>
      </p>
      <Help contact="If you did not sign in anywhere else, sign out there and contact your IT service desk." />
    </Page>
  );
}
