/** The page where a person chooses the role they work in. */
import { useState, type SyntheticEvent } from 'react';
import { useBff } from '../react/index.ts';
import { pageAddress } from '../sign-in/index.ts';
import type { ActiveState } from '../types.ts';
import { Button, Inset, Page, SignInButton, Summary } from './parts.tsx';
import { useShared } from './provider.tsx';

/** As at Care Identity: a plain list up to this many roles, a box to find one above. */
const maxWithoutFilter = 5;

function Choice({ session: { role: current, roles } }: { session: ActiveState }) {
  const client = useBff();
  const { texts, path, paths, navigate, attempt } = useShared();
  const [search, setSearch] = useState('');
  const [chosenId, choose] = useState(current?.roleId);
  const [isMissing, setMissing] = useState(false);
  const chosen = roles.find(({ roleId }) => roleId === chosenId);
  const matching = roles.filter((role) => texts.roleMatches(role, search));
  const submit = (event: SyntheticEvent<HTMLFormElement>) => {
    event.preventDefault();
    setMissing(!chosen);
    if (!chosen) return event.currentTarget.querySelector<HTMLElement>('[type=radio]:enabled')?.focus();
    attempt(texts.roleNotChanged, async () => {
      await client.chooseRole(chosen.roleId);
      if (path === paths.role) navigate('/');
      return texts.roleChanged(texts.roleInWords(chosen));
    });
  };
  return (
    <>
      {roles.length > maxWithoutFilter && (
        <>
          <div className="nhsuk-form-group">
            <label className="nhsuk-label nhsuk-label--s" htmlFor="role-filter">
              {texts.findRole}
            </label>
            <div className="nhsuk-hint" id="role-filter-hint">
              {texts.findRoleHint}
            </div>
            <input
              className="nhsuk-input"
              id="role-filter"
              type="search"
              autoComplete="off"
              spellCheck={false}
              aria-describedby="role-filter-hint"
              value={search}
              onChange={(event) => setSearch(event.target.value)}
            />
          </div>
          <p role="status">
            {matching.length === 0 ? texts.noRoleMatches : texts.rolesMatch(matching.length, roles.length)}
          </p>
        </>
      )}
      <form noValidate onSubmit={submit}>
        <div className="nhsuk-form-group">
          <fieldset className="nhsuk-fieldset" aria-labelledby="page-title">
            <div className="nhsuk-hint">{texts.roleHint}</div>
            <div role="alert">{isMissing && <p className="nhsuk-error-message">{texts.roleMissing}</p>}</div>
            <div className="nhsuk-radios">
              {roles
                .filter((role) => role === chosen || matching.includes(role))
                .map((role) => (
                  <div className="nhsuk-radios__item" key={role.roleId}>
                    <input
                      className="nhsuk-radios__input"
                      id={role.roleId}
                      type="radio"
                      name="role"
                      value={role.roleId}
                      aria-describedby={`${role.roleId}-hint`}
                      disabled={role.permitted === false}
                      checked={role === chosen}
                      onChange={() => choose(role.roleId)}
                    />
                    <label className="nhsuk-label nhsuk-radios__label" htmlFor={role.roleId}>
                      {texts.roleName(role)}
                    </label>
                    <div className="nhsuk-hint nhsuk-radios__hint" id={`${role.roleId}-hint`}>
                      {texts.organisationName(role)}
                      {role.permitted === false && (
                        <>
                          <br />
                          {texts.roleRefused}
                        </>
                      )}
                    </div>
                  </div>
                ))}
            </div>
          </fieldset>
        </div>
        <Button text={current === null ? texts.continue : texts.changeRole} />
      </form>
    </>
  );
}

export function RolePage({ session }: { session: ActiveState }) {
  const { texts, path, paths } = useShared();
  const { role, roles, user } = session;
  const [only] = roles;
  const permitted = roles.filter((one) => one.permitted !== false);
  const isChoice = roles.length > 1 || (role === null && permitted.length > 0);
  const choiceHeading = role === null ? texts.chooseRoleHeading : texts.changeRoleHeading;
  const otherHeading = only ? texts.oneRoleHeading : texts.noRoleHeading;
  return (
    <Page
      title={isChoice ? choiceHeading : otherHeading}
      caption={texts.signedInAs(texts.personName(user))}
      help={texts.roleHelp}
    >
      {isChoice && <Choice session={session} />}
      {!isChoice && only && (
        <Summary
          rows={[
            [texts.role, texts.roleName(only)],
            [texts.organisation, texts.organisationName(only)],
          ]}
        />
      )}
      {!only && <Inset>{texts.withoutRole}</Inset>}
      {permitted.length < roles.length && <p>{texts.someRefused}</p>}
      <p>{texts.roleElsewhere}</p>
      <SignInButton
        text={texts.changeRoleElsewhere}
        role="change"
        kind="secondary"
        returnTo={path === paths.role ? '/' : pageAddress()}
      />
    </Page>
  );
}
