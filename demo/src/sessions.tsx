/** Where a person is signed in, until when, and how they signed in. */
import { Card, Tag } from 'nhsuk-react-components';
import { BffError, type ActiveState, type ListedSession } from '../../client/index.ts';
import { answerAboutOthers, endSessions, signedInLately } from '../../client/sign-in/index.ts';
import * as english from '../../client/english/index.ts';
import { attempt, bff, show, signOut, useCall } from './bff.ts';
import { Button, Inset, Page, SignInButton, Summary } from './parts.tsx';

const notMine =
  'If there is a sign-in here that is not yours, sign it out and contact your IT service desk straight away.';
const notMe = 'If you did not sign in anywhere else, sign out there and contact your IT service desk.';
const deviceOf = ({ device }: ListedSession): string => device || 'Unknown device';
const isElsewhere = ({ current }: ListedSession): boolean => !current;
const Time = ({ at }: { at: Date }) => <time dateTime={at.toISOString()}>{english.timeOfDay(at)}</time>;

/** Signs the person out in these places, and says what was done. */
async function signOutOf(places: ListedSession[]): Promise<string> {
  await endSessions(bff, places);
  const devices = [...new Set(places.map(deviceOf))].join(', ');
  if (places.length > 1)
    return `Signed out everywhere else. ${places.length} sign-ins were ended: ${devices}.`;
  return places[0]
    ? `Signed out there. The sign-in at ${english.timeOfDay(places[0].signedInAt)} (${devices}) has ended.`
    : 'You were no longer signed in elsewhere.';
}

function Places({ session }: { session: ActiveState }) {
  const [places, load] = useCall(bff.sessions);
  if (places === null) return <p role="status">Finding out where you are signed in…</p>;
  if (places instanceof BffError)
    return (
      <>
        <p role="alert">{english.failureText(places)}</p>
        <Button text="Try again" onClick={load} />
      </>
    );
  const elsewhere = places.filter(isElsewhere);
  const canEnd = signedInLately(session);
  const end = (ended: ListedSession[]) =>
    attempt('Not everything was signed out', () => signOutOf(ended).finally(load));
  return (
    <>
      {elsewhere.length === 0 && <p>You are signed in on this device only.</p>}
      {elsewhere.length > 0 && !canEnd && (
        <>
          <Inset>To sign out another device, confirm first that it is you.</Inset>
          <SignInButton text="Confirm it is you" kind="secondary" reauth />
        </>
      )}
      <ul className="app-plain-list">
        {places.map((place) => {
          const { current, handle, signedInAt, lastActiveAt } = place;
          const rows = {
            'Signed in at': <Time at={signedInAt} />,
            'Last active at': <Time at={lastActiveAt} />,
          };
          const about = `of ${deviceOf(place)}, signed in at ${english.timeOfDay(signedInAt)}`;
          const onClick = current ? signOut : () => end([place]);
          return (
            <li key={handle}>
              <Card>
                <Card.Heading size="m">
                  {deviceOf(place)} {current && <Tag modifier="green">This device</Tag>}
                </Card.Heading>
                <Summary rows={rows} />
                {(current || canEnd) && (
                  <Button kind="secondary" text="Sign out" about={about} onClick={onClick} />
                )}
              </Card>
            </li>
          );
        })}
      </ul>
      {elsewhere.length > 1 && canEnd && (
        <Button kind="secondary" text="Sign out everywhere else" onClick={() => end(elsewhere)} />
      )}
    </>
  );
}

export function SessionsPage({ session }: { session: ActiveState }) {
  const { user, role, assurance, expires } = session;
  const extend = () =>
    attempt('Your session was not extended', async () => {
      await bff.extend();
      return (now) => `Your session now ends at ${english.timeOfDay(now.expires.at)}.`;
    });
  const limit = expires.bindingLimit === 'idle' ? 'for inactivity' : 'at the limit for one sign-in';
  const rows = {
    Role: role && english.roleName(role),
    Organisation: role && english.organisationName(role),
    'Ends at': [<Time key="time" at={expires.at} />, ` ${limit}`],
    'Ends at the latest': <Time at={expires.absoluteAt} />,
    'Signed in with': english.methodNames(assurance.methods),
    'Authentication level': `Level ${assurance.authentication} of 3`,
    'Identity level': `Level ${assurance.identity} of 3`,
    'User ID': user.uid,
  };
  return (
    <Page title="Where you are signed in" caption={english.personName(user)} help={notMine}>
      <Places session={session} />
      <h2 className="nhsuk-heading-m">Your session on this device</h2>
      <Summary rows={rows} />
      <Button kind="secondary" text="Stay signed in" onClick={extend} />
    </Page>
  );
}

export function OtherSessionsPage({ session }: { session: ActiveState }) {
  const isOne = session.otherSessions === 1;
  const keep = () => {
    answerAboutOthers(session);
    show({});
  };
  const endOthers = () =>
    attempt('You may still be signed in elsewhere', async () => {
      const done = await signOutOf((await bff.sessions()).filter(isElsewhere));
      keep();
      return done;
    });
  return (
    <Page title="You are also signed in elsewhere" help={notMe}>
      <p>
        When you signed in here, you were signed in in {isOne ? 'one other place' : 'other places'} as well.
        That can be another browser on this computer, or a computer that you have left. If somebody else can
        get to it, sign out there.
      </p>
      <div className="nhsuk-button-group">
        <Button text="Sign out there" onClick={endOthers} />
        <Button kind="secondary" text={isOne ? 'Keep both' : 'Keep them all'} onClick={keep} />
      </div>
      <p>
        <a href="/sessions">See where you are signed in</a>
      </p>
    </Page>
  );
}
