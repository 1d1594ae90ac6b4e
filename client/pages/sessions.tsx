/** Where a person is signed in, until when, and how they signed in. */
import { useCallback, useEffect, useState } from 'react';
import type { PageTexts } from '../english/pages.ts';
import { BffError } from '../errors.ts';
import { useBff } from '../react/index.ts';
import { answerAboutOthers, endSessions, signedInLately } from '../sign-in/index.ts';
import type { ActiveState, ListedSession, SessionClient } from '../types.ts';
import { Button, Inset, Page, SignInButton, Summary } from './parts.tsx';
import { useShared } from './provider.tsx';

const isElsewhere = ({ current }: ListedSession): boolean => !current;
function Time({ at }: { at: Date }) {
  const { texts } = useShared();
  return <time dateTime={at.toISOString()}>{texts.timeOfDay(at)}</time>;
}

/** Signs the person out in these places, and says what was done. */
async function signOutOf(
  client: SessionClient,
  texts: PageTexts,
  places: readonly ListedSession[],
): Promise<string> {
  await endSessions(client, places);
  const devices = [...new Set(places.map(({ device }) => device || texts.unknownDevice))].join(', ');
  if (places.length > 1) return texts.signedOutElsewhere(places.length, devices);
  return places[0]
    ? texts.signedOutThere(devices, texts.timeOfDay(places[0].signedInAt))
    : texts.notSignedInElsewhere;
}

function Places({ session }: { session: ActiveState }) {
  const client = useBff();
  const { texts, attempt, signOut } = useShared();
  const [places, setPlaces] = useState<readonly ListedSession[] | BffError | null>(null);
  const load = useCallback(() => void client.sessions().then(setPlaces, setPlaces), [client]);
  useEffect(load, [load]);
  if (places === null) return <p role="status">{texts.findingSessions}</p>;
  if (places instanceof BffError)
    return (
      <>
        <p role="alert">{texts.failureText(places)}</p>
        <Button text={texts.tryAgain} onClick={load} />
      </>
    );
  const elsewhere = places.filter(isElsewhere);
  const canEnd = signedInLately(session);
  const end = (ended: readonly ListedSession[]) =>
    attempt(texts.notAllSignedOut, () => signOutOf(client, texts, ended).finally(load));
  return (
    <>
      {elsewhere.length === 0 && <p>{texts.hereOnly}</p>}
      {elsewhere.length > 0 && !canEnd && (
        <>
          <Inset>{texts.confirmFirst}</Inset>
          <SignInButton text={texts.confirmIdentity} kind="secondary" reauth />
        </>
      )}
      <ul className="bff-plain-list">
        {places.map((place) => {
          const { current, handle, signedInAt, lastActiveAt } = place;
          const device = place.device || texts.unknownDevice;
          return (
            <li key={handle}>
              <div className="nhsuk-card">
                <div className="nhsuk-card__content">
                  <h2 className="nhsuk-card__heading nhsuk-heading-m">
                    {device}{' '}
                    {current && <strong className="nhsuk-tag nhsuk-tag--green">{texts.thisDevice}</strong>}
                  </h2>
                  <Summary
                    rows={[
                      [texts.signedInAt, <Time at={signedInAt} />],
                      [texts.lastActiveAt, <Time at={lastActiveAt} />],
                    ]}
                  />
                  {(current || canEnd) && (
                    <Button
                      kind="secondary"
                      text={texts.signOut}
                      about={texts.ofSession(device, texts.timeOfDay(signedInAt))}
                      onClick={current ? signOut : () => end([place])}
                    />
                  )}
                </div>
              </div>
            </li>
          );
        })}
      </ul>
      {elsewhere.length > 1 && canEnd && (
        <Button kind="secondary" text={texts.signOutElsewhere} onClick={() => end(elsewhere)} />
      )}
    </>
  );
}

export function SessionsPage({ session }: { session: ActiveState }) {
  const client = useBff();
  const { texts, attempt } = useShared();
  const { user, role, assurance, expires } = session;
  const extend = () =>
    attempt(texts.notExtended, async () => {
      await client.extend();
      return (now) => texts.extended(texts.timeOfDay(now.expires.at));
    });
  const limit = expires.bindingLimit === 'idle' ? texts.forInactivity : texts.atTheLimit;
  return (
    <Page title={texts.sessionsHeading} caption={texts.personName(user)} help={texts.sessionsHelp}>
      <Places session={session} />
      <h2 className="nhsuk-heading-m">{texts.thisSession}</h2>
      <Summary
        rows={[
          [texts.role, role && texts.roleName(role)],
          [texts.organisation, role && texts.organisationName(role)],
          [
            texts.endsAt,
            <>
              <Time at={expires.at} /> {limit}
            </>,
          ],
          [texts.endsAtTheLatest, <Time at={expires.absoluteAt} />],
          [texts.signedInWith, texts.methodNames(assurance.methods)],
          [texts.authenticationLevel, texts.level(assurance.authentication)],
          [texts.identityLevel, texts.level(assurance.identity)],
          [texts.userId, user.uid],
        ]}
      />
      <Button kind="secondary" text={texts.stay} onClick={extend} />
    </Page>
  );
}

export function OtherSessionsPage({ session, onAnswer }: { session: ActiveState; onAnswer: () => void }) {
  const client = useBff();
  const { texts, attempt, paths } = useShared();
  const count = session.otherSessions ?? 0;
  const keep = () => {
    answerAboutOthers(session);
    onAnswer();
  };
  const endOthers = () =>
    attempt(texts.maybeElsewhere, async () => {
      const done = await signOutOf(client, texts, (await client.sessions()).filter(isElsewhere));
      keep();
      return done;
    });
  return (
    <Page title={texts.othersHeading} help={texts.othersHelp}>
      <p>{texts.others(count)}</p>
      <div className="nhsuk-button-group">
        <Button text={texts.signOutThere} onClick={endOthers} />
        <Button kind="secondary" text={texts.keepOthers(count)} onClick={keep} />
      </div>
      <p>
        <a href={paths.sessions}>{texts.seeSessions}</a>
      </p>
    </Page>
  );
}
