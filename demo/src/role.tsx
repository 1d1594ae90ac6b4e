/** The page where a person chooses the role they work in. */
import { useState, type SyntheticEvent } from 'react';
import { Fieldset, HintText, RadiosItem } from 'nhsuk-react-components';
import type { ActiveState } from '../../client/index.ts';
import { pageAddress } from '../../client/sign-in/index.ts';
import * as english from '../../client/english/index.ts';
import { attempt, bff, show } from './bff.ts';
import { Button, Field, Inset, Page, SignInButton, Summary } from './parts.tsx';

/** As at Care Identity: a plain list up to this many roles, a box to find one above. */
const maxWithoutFilter = 5;
const notAccepted = '\nThis service does not accept this role';

function Choice({ session: { role: current, roles } }: { session: ActiveState }) {
  const [search, setSearch] = useState('');
  const [chosenId, choose] = useState(current?.roleId);
  const [isMissing, setMissing] = useState(false);
  const chosen = roles.find(({ roleId }) => roleId === chosenId);
  const matching = roles.filter((role) => english.roleMatches(role, search));
  const submit = (event: SyntheticEvent<HTMLFormElement>) => {
    event.preventDefault();
    setMissing(!chosen);
    if (!chosen) return event.currentTarget.querySelector<HTMLElement>('[type=radio]:enabled')?.focus();
    attempt('Your role was not changed', async () => {
      await bff.chooseRole(chosen.roleId);
      if (location.pathname === '/role') show({ path: '/' });
      return `You now work as ${english.roleInWords(chosen)}.`;
    });
  };
  return (
    <>
      {roles.length > maxWithoutFilter && (
        <>
          <Field
            label="Find a role"
            name="role-filter"
            type="search"
            hint="Type part of a role or an organisation, or a code"
            onChange={(event) => setSearch(event.target.value)}
          />
          <p role="status">
            {matching.length === 0
              ? 'No role matches. Try part of a role’s or an organisation’s name or code.'
              : `${matching.length} of ${roles.length} roles match`}
          </p>
        </>
      )}
      <form noValidate onSubmit={submit}>
        <div className="nhsuk-form-group">
          <Fieldset aria-labelledby="page-title">
            <HintText>Your role decides what you can see and do, and is recorded with it.</HintText>
            <p className="nhsuk-error-message" role="alert">
              {isMissing && 'Choose the role you want to work in'}
            </p>
            <div className="nhsuk-radios">
              {roles
                .filter((role) => role === chosen || matching.includes(role))
                .map((role) => (
                  <RadiosItem
                    key={role.roleId}
                    id={role.roleId}
                    name="role"
                    value={role.roleId}
                    disabled={role.permitted === false}
                    checked={role === chosen}
                    onChange={() => choose(role.roleId)}
                    hint={english.organisationName(role) + (role.permitted === false ? notAccepted : '')}
                  >
                    {english.roleName(role)}
                  </RadiosItem>
                ))}
            </div>
          </Fieldset>
        </div>
        <Button text={current === null ? 'Continue' : 'Change role'} />
      </form>
    </>
  );
}

export function RolePage({ session }: { session: ActiveState }) {
  const { role, roles, user } = session;
  const [only] = roles;
  const permitted = roles.filter((one) => one.permitted !== false);
  const isChoice = roles.length > 1 || (role === null && permitted.length > 0);
  const choiceTitle = role === null ? 'Choose the role you are working in' : 'Change your role';
  const otherTitle = only ? 'You have one role' : 'Your Care Identity has no role';
  return (
    <Page
      title={isChoice ? choiceTitle : otherTitle}
      caption={`Signed in as ${english.personName(user)}`}
      help={english.contacts.registration}
    >
      {isChoice && <Choice session={session} />}
      {!isChoice && only && (
        <Summary rows={{ Role: english.roleName(only), Organisation: english.organisationName(only) }} />
      )}
      {!only && (
        <Inset>
          You are signed in, but nothing that depends on a role can be used. Ask your organisation’s
          Registration Authority (RA) team to add the role you need.
        </Inset>
      )}
      {permitted.length < roles.length && (
        <p>This service accepts only roles with the job role, activity or organisation that it asks for.</p>
      )}
      <p>Is the role that you need not here? You can choose it at Care Identity, where you sign in again.</p>
      <SignInButton
        text="Change role at Care Identity"
        role="change"
        kind="secondary"
        returnTo={location.pathname === '/role' ? '/' : pageAddress()}
      />
    </Page>
  );
}
