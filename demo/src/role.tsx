/** The page where a person chooses the role they work in. */
import { useState, type SyntheticEvent } from 'react';
import type { ActiveState, Role } from '../../client/index.ts';
import { pageAddress } from '../../client/sign-in/index.ts';
import * as english from '../../client/english/index.ts';
import { bff } from './bff.ts';
import { Button, Field, Inset, Page, SignInButton, Summary, useShell } from './parts.tsx';

/** As at Care Identity: a plain list up to this many roles, a box to find one above. */
const maxWithoutFilter = 5;

function Choice({ session: { role: current, roles } }: { session: ActiveState }) {
  const { attempt, go } = useShell();
  const [search, setSearch] = useState('');
  const [chosenId, choose] = useState(current?.roleId);
  const [isMissing, setMissing] = useState(false);
  const chosen = roles.find(({ roleId }) => roleId === chosenId);
  const matching = roles.filter((role) => english.roleMatches(role, search));
  const submit = (event: SyntheticEvent<HTMLFormElement>) => {
    event.preventDefault();
    setMissing(chosen === undefined);
    if (chosen === undefined) event.currentTarget.querySelector<HTMLElement>('[type=radio]:enabled')?.focus();
    else
      attempt('Your role was not changed', async () => {
        await bff.chooseRole(chosen.roleId);
        if (location.pathname === '/role') go('/');
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
        <fieldset className="nhsuk-fieldset nhsuk-form-group" aria-labelledby="page-title">
          <p className="nhsuk-hint">Your role decides what you can see and do, and is recorded with it.</p>
          <p className="nhsuk-error-message" role="alert">
            {isMissing && 'Choose the role you want to work in'}
          </p>
          <div className="nhsuk-radios">
            {roles
              .filter((role) => role === chosen || matching.includes(role))
              .map((role) => (
                <Option key={role.roleId} role={role} isChosen={role === chosen} choose={choose} />
              ))}
          </div>
        </fieldset>
        <Button text={current === null ? 'Continue' : 'Change role'} />
      </form>
    </>
  );
}

type OptionProps = { role: Role; isChosen: boolean; choose: (roleId: string) => void };
const Option = ({ role, isChosen, choose }: OptionProps) => (
  <div className="nhsuk-radios__item">
    <input
      className="nhsuk-radios__input"
      id={role.roleId}
      type="radio"
      name="role"
      value={role.roleId}
      disabled={role.permitted === false}
      checked={isChosen}
      onChange={() => choose(role.roleId)}
      aria-describedby={`${role.roleId}-hint`}
    />
    <label className="nhsuk-label nhsuk-radios__label" htmlFor={role.roleId}>
      {english.roleName(role)}
    </label>
    <div className="nhsuk-hint nhsuk-radios__hint" id={`${role.roleId}-hint`}>
      {english.organisationName(role)}
      {role.permitted === false && <span className="app-block">This service does not accept this role</span>}
    </div>
  </div>
);

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
