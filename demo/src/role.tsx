/** The page where a person chooses the role they work in. */
import { useRef, useState, type SyntheticEvent } from 'react';
import type { ActiveState, Role } from '../../client/index.ts';
import { useBff } from '../../client/react/index.ts';
import { Button, Field, Help, Inset, Page, SignInButton, Summary, useAttempt, useShell } from './parts.tsx';
import texts from './texts.json';
import { fullName, organisationAndCode, roleAndCode, roleInWords } from './wording.ts';

/** As at Care Identity: a plain list up to this many roles, a box to find one above. */
const maxWithoutFilter = 5;

/** Every word of the search stands somewhere in the role. */
const matches = (role: Role, search: string): boolean =>
  search
    .toLowerCase()
    .split(/\s+/)
    .every((word) => `${roleAndCode(role)} ${organisationAndCode(role)}`.toLowerCase().includes(word));

function Choice({ session }: { readonly session: ActiveState }) {
  const { role: current, roles } = session;
  const bff = useBff();
  const attempt = useAttempt();
  const { tell, go } = useShell();
  const form = useRef<HTMLFormElement>(null);
  const [search, setSearch] = useState('');
  const [chosen, setChosen] = useState(current?.roleId);
  const [isMissing, setMissing] = useState(false);
  const shown = roles.filter((role) => matches(role, search));

  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    const role = roles.find(({ roleId }) => roleId === chosen);
    setMissing(role === undefined);
    if (role === undefined) {
      form.current?.querySelector<HTMLElement>('[type=radio]:enabled')?.focus();
      return;
    }
    void attempt('Your role was not changed', async () => {
      await bff.chooseRole(role.roleId);
      if (location.pathname === '/role') go('/');
      tell({ kind: 'Success', text: `You now work as ${roleInWords(role)}.` });
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
            onChange={setSearch}
          />
          <p role="status">
            {shown.length === 0
              ? 'No role matches. Try part of a role’s or an organisation’s name or code.'
              : `${shown.length} of ${roles.length} roles match`}
          </p>
        </>
      )}
      <form noValidate onSubmit={submit} ref={form}>
        <fieldset className="nhsuk-fieldset nhsuk-form-group" aria-labelledby="page-title">
          <p className="nhsuk-hint">Your role decides what you can see and do, and is recorded with it.</p>
          <p className="nhsuk-error-message" role="alert">
            {isMissing && 'Choose the role you want to work in'}
          </p>
          <div className="nhsuk-radios">
            {roles.map((role) => (
              <div
                className="nhsuk-radios__item"
                key={role.roleId}
                hidden={!shown.includes(role) && role.roleId !== chosen}
              >
                <input
                  className="nhsuk-radios__input"
                  id={role.roleId}
                  type="radio"
                  name="role"
                  value={role.roleId}
                  disabled={role.permitted === false}
                  checked={role.roleId === chosen}
                  onChange={() => setChosen(role.roleId)}
                  aria-describedby={`${role.roleId}-hint`}
                />
                <label className="nhsuk-label nhsuk-radios__label" htmlFor={role.roleId}>
                  {roleAndCode(role)}
                </label>
                <div className="nhsuk-hint nhsuk-radios__hint" id={`${role.roleId}-hint`}>
                  {organisationAndCode(role)}
                  {role.permitted === false && (
                    <span className="app-block">This service does not accept this role</span>
                  )}
                </div>
              </div>
            ))}
          </div>
        </fieldset>
        <Button>{current === null ? 'Continue' : 'Change role'}</Button>
      </form>
    </>
  );
}

export function RolePage({ session }: { readonly session: ActiveState }) {
  const { role, roles, user } = session;
  const [only] = roles;
  const isChoice = roles.length > 1 || (role === null && roles.some(({ permitted }) => permitted !== false));
  const title = isChoice
    ? role === null
      ? 'Choose the role you are working in'
      : 'Change your role'
    : only === undefined
      ? 'Your Care Identity has no role'
      : 'You have one role';
  return (
    <Page title={title} caption={`Signed in as ${fullName(user)}`}>
      {isChoice ? (
        <Choice session={session} />
      ) : only === undefined ? (
        <Inset>
          You are signed in, but nothing that depends on a role can be used. Ask your organisation’s
          Registration Authority (RA) team to add the role you need.
        </Inset>
      ) : (
        <Summary rows={{ Role: roleAndCode(only), Organisation: organisationAndCode(only) }} />
      )}
      {!roles.every(({ permitted }) => permitted !== false) && (
        <p>This service accepts only roles with the job role, activity or organisation that it asks for.</p>
      )}
      <p>Is the role that you need not here? You can choose it at Care Identity, where you sign in again.</p>
      <SignInButton
        text="Change role at Care Identity"
        role="change"
        isSecondary
        {...(location.pathname === '/role' ? { returnTo: '/' } : {})}
      />
      <Help contact={texts.contacts.registration} />
    </Page>
  );
}
