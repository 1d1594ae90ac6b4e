/** The page where a person chooses the role they work in. */

import type { ActiveSession, Role } from '../bff.ts';
import {
  bulletList,
  details,
  h,
  inset,
  nameAndCode,
  pageHeading,
  readingColumn,
  summaryList,
} from '../dom.ts';
import { helpSection, registrationAuthority } from '../help.ts';
import { signInLink } from '../sign-in.ts';
import { fullName, organisationAndCode, roleAndCode } from '../wording.ts';
import type { View } from './view.ts';

export const rolePath = '/role';

/** As at Care Identity: a plain list up to this many roles, a box to find one above. */
const maxWithoutFilter = 5;

interface Option {
  readonly element: HTMLElement;
  readonly input: HTMLInputElement;
  readonly role: Role;
}

function option(role: Role, index: number, chosen: Role | null): Option {
  const id = `role-${String(index)}`;
  const hintId = `${id}-hint`;
  const input = h('input', {
    class: 'nhsuk-radios__input',
    id,
    name: 'role',
    type: 'radio',
    value: role.roleId,
    'aria-describedby': hintId,
  });
  input.disabled = !role.permitted;
  input.checked = role.permitted && role.roleId === chosen?.roleId;
  const element = h(
    'div',
    { class: 'nhsuk-radios__item' },
    input,
    h('label', { class: 'nhsuk-label nhsuk-radios__label', for: id }, nameAndCode(roleAndCode(role))),
    h(
      'div',
      { class: 'nhsuk-hint nhsuk-radios__hint', id: hintId },
      nameAndCode(organisationAndCode(role)),
      role.permitted ? null : h('span', { class: 'app-block' }, 'This service does not accept this role'),
    ),
  );
  return { element, input, role };
}

/** Every word of the search stands somewhere in the role. */
function matches({ roleName, jobRoleCode, orgName, orgCode }: Role, search: string): boolean {
  const haystack = [roleName, jobRoleCode, orgName, orgCode].join(' ').toLowerCase();
  return search
    .toLowerCase()
    .split(/\s+/)
    .every((word) => haystack.includes(word));
}

/** A box that leaves only the roles that match to be seen, and the one that is chosen. */
function filterBox(options: readonly Option[]): HTMLElement {
  const input = h('input', {
    class: 'nhsuk-input',
    id: 'role-filter',
    type: 'search',
    autocomplete: 'off',
    spellcheck: 'false',
    'aria-describedby': 'role-filter-hint',
  });
  const count = h('p', { class: 'nhsuk-body-s', id: 'role-count', role: 'status' });
  const apply = (): void => {
    let shown = 0;
    for (const { element, input: radio, role } of options) {
      const isMatch = matches(role, input.value);
      element.hidden = !isMatch && !radio.checked;
      if (isMatch) shown += 1;
    }
    count.textContent =
      shown === 0
        ? 'No role matches. Try part of a role’s or an organisation’s name or code.'
        : `${String(shown)} of ${String(options.length)} roles match`;
  };
  input.addEventListener('input', apply);
  // The Enter key would send the form, and so choose a role, while the person is still looking for theirs.
  input.addEventListener('keydown', (event) => {
    if (event.key === 'Enter') event.preventDefault();
  });
  count.textContent = `${String(options.length)} roles`;
  return h(
    'div',
    { class: 'nhsuk-form-group app-filter' },
    h('label', { class: 'nhsuk-label nhsuk-label--s', for: 'role-filter' }, 'Find a role'),
    h(
      'div',
      { class: 'nhsuk-hint', id: 'role-filter-hint' },
      'Type part of a role or an organisation, or a code',
    ),
    input,
    count,
  );
}

function roleForm(session: ActiveSession, heading: string, choose: (role: Role) => void): HTMLElement {
  const options = session.roles.map((role, index) => option(role, index, session.role));
  const message = h('p', { class: 'nhsuk-error-message', id: 'role-error', role: 'alert' });
  const group = h(
    'div',
    { class: 'nhsuk-form-group' },
    h(
      'fieldset',
      { class: 'nhsuk-fieldset', 'aria-describedby': 'role-hint' },
      h(
        'legend',
        { class: 'nhsuk-fieldset__legend nhsuk-fieldset__legend--xl' },
        h('span', { class: 'nhsuk-caption-xl' }, `Signed in as ${fullName(session.user)}`),
        h('h1', { class: 'nhsuk-fieldset__heading', tabindex: '-1' }, heading),
      ),
      h(
        'div',
        { class: 'nhsuk-hint', id: 'role-hint' },
        'Your role decides what you can see and do, and is recorded with it.',
      ),
      options.length > maxWithoutFilter ? filterBox(options) : null,
      message,
      h('div', { class: 'nhsuk-radios' }, ...options.map(({ element }) => element)),
    ),
  );
  const form = h(
    'form',
    { novalidate: '' },
    group,
    h(
      'button',
      { class: 'nhsuk-button', type: 'submit' },
      session.role === null ? 'Continue' : 'Change role',
    ),
  );
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const chosen = options.find(({ input }) => input.checked)?.role;
    message.textContent = chosen === undefined ? 'Choose the role you want to work in' : '';
    group.classList.toggle('nhsuk-form-group--error', chosen === undefined);
    if (chosen === undefined)
      options.find(({ input, element }) => !input.disabled && !element.hidden)?.input.focus();
    else choose(chosen);
  });
  return form;
}

const whyNot = (roles: readonly Role[]): HTMLElement | null =>
  roles.every(({ permitted }) => permitted)
    ? null
    : details(
        'Why can I not choose some of my roles?',
        h('p', {}, 'This service accepts only roles that have what it asks for. That can be:'),
        bulletList(['a job role', 'an activity', 'an organisation', 'a workgroup']),
        h('p', {}, `If you think that a role should be accepted, contact ${registrationAuthority}.`),
      );

const atCareIdentity = (returnTo: string): HTMLElement =>
  h(
    'p',
    {},
    'Is the role that you need not here? ',
    signInLink('Change role at Care Identity', { returnTo, role: 'change' }, ''),
    '. You will be asked to sign in again there.',
  );

/** Nothing to choose from: what there is. */
const noChoice = (session: ActiveSession, heading: string): readonly (HTMLElement | null)[] => {
  const [only] = session.roles;
  return [
    h('span', { class: 'nhsuk-caption-xl' }, `Signed in as ${fullName(session.user)}`),
    pageHeading(heading),
    ...(only === undefined
      ? [
          h('p', {}, 'You are signed in, but nothing that depends on a role can be used.'),
          h(
            'p',
            {},
            `Ask ${registrationAuthority} to add the role you need. Then choose “Change role at Care Identity”.`,
          ),
        ]
      : [
          summaryList([
            ['Role', nameAndCode(roleAndCode(only))],
            ['Organisation', nameAndCode(organisationAndCode(only))],
          ]),
          only.permitted ? null : inset(h('p', {}, 'This service does not accept this role.')),
        ]),
  ];
};

/**
 * @param returnTo - the path to come back to after a change at Care Identity
 * @param choose - what is done with the choice
 */
export function chooseRole(session: ActiveSession, returnTo: string, choose: (role: Role) => void): View {
  const { role, roles } = session;
  const isChoice = roles.length > 1 || (role === null && roles.some(({ permitted }) => permitted));
  const title = isChoice
    ? role === null
      ? 'Choose the role you are working in'
      : 'Change your role'
    : roles.length === 0
      ? 'Your Care Identity has no role'
      : 'You have one role';
  return {
    title,
    content: [
      readingColumn(
        ...(isChoice ? [roleForm(session, title, choose)] : noChoice(session, title)),
        whyNot(roles),
        atCareIdentity(returnTo),
        helpSection(`If you need another role, contact ${registrationAuthority}. They look after roles.`),
      ),
    ],
  };
}
