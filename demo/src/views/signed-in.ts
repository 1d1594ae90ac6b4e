/** The page of somebody who is signed in. */

import { serverNow } from '../bff.ts';
import type { ActiveSession, Role } from '../bff.ts';
import { button, card, details, h, inset, summaryList } from '../dom.ts';
import {
  absoluteLimit,
  fullName,
  methods,
  organisation,
  roleName,
  roughDuration,
  timeOfDay,
} from '../wording.ts';
import type { View } from './view.ts';

/** A name and, where it does not say it itself, the code that goes with it. */
const withCode = (name: string, code: string): HTMLElement => {
  const isSaid = code === '' || name.endsWith(code);
  return h('span', {}, name, ' ', isSaid ? null : h('span', { class: 'app-code' }, `(${code})`));
};

const roleTable = (roles: readonly Role[]): HTMLElement =>
  h(
    'table',
    { class: 'nhsuk-table' },
    h('caption', { class: 'nhsuk-table__caption nhsuk-u-visually-hidden' }, 'Your roles'),
    h(
      'thead',
      { class: 'nhsuk-table__head' },
      h(
        'tr',
        {},
        h('th', { class: 'nhsuk-table__header', scope: 'col' }, 'Role'),
        h('th', { class: 'nhsuk-table__header', scope: 'col' }, 'Organisation'),
      ),
    ),
    h(
      'tbody',
      { class: 'nhsuk-table__body' },
      ...roles.map((role) =>
        h(
          'tr',
          { class: 'nhsuk-table__row' },
          h('td', { class: 'nhsuk-table__cell' }, withCode(roleName(role), role.jobRoleCode)),
          h('td', { class: 'nhsuk-table__cell' }, withCode(organisation(role), role.orgCode)),
        ),
      ),
    ),
  );

function roleCard({ role, roles }: ActiveSession): HTMLElement {
  if (role !== null) {
    return card(
      'Your role',
      summaryList([
        ['Role', withCode(roleName(role), role.jobRoleCode)],
        ['Organisation', withCode(organisation(role), role.orgCode)],
      ]),
      roles.length > 1 ? details(`All your roles (${String(roles.length)})`, roleTable(roles)) : null,
    );
  }
  if (roles.length === 0) {
    return card(
      'Your role',
      inset(
        h('p', {}, h('strong', {}, 'Your Care Identity has no role.')),
        h(
          'p',
          {},
          'You are signed in, but nothing that depends on a role can be used. ' +
            'Ask your organisation’s Registration Authority (RA) team to add the role you need. ' +
            'Then sign out and log in again.',
        ),
      ),
    );
  }
  return card(
    'Your role',
    inset(
      h('p', {}, h('strong', {}, 'No role chosen yet.')),
      h(
        'p',
        {},
        'You have more than one role. Until one is chosen, nothing that depends on a role can be used.',
      ),
    ),
    roleTable(roles),
  );
}

function assuranceCard({ user, assurance }: ActiveSession): HTMLElement {
  const at = h(
    'time',
    { datetime: assurance.authenticatedAt.toISOString() },
    timeOfDay(assurance.authenticatedAt),
  );
  return card(
    'How you signed in',
    summaryList([
      ['Signed in with', methods(assurance.methods)],
      ['Authentication level', `Level ${String(assurance.authentication)} of 3`],
      ['Identity level', `Level ${String(assurance.identity)} of 3`],
      ['Signed in at', at],
      ['User ID', user.uid],
    ]),
  );
}

/** @param actions - what the page's button does */
export function signedIn(
  session: ActiveSession,
  path: string,
  actions: { readonly extend: () => void },
): View {
  const endsAt = h('time', { id: 'session-ends-at' });
  const endsIn = h('span', { id: 'session-ends-in' });
  const why = h('p');
  const latest = h('time', { datetime: session.expires.absoluteAt.toISOString() });

  const update = (current: ActiveSession): void => {
    const { at, absoluteAt, bindingLimit } = current.expires;
    endsAt.dateTime = at.toISOString();
    endsAt.textContent = timeOfDay(at);
    endsIn.textContent = `in ${roughDuration(at.getTime() - serverNow(current))}`;
    why.textContent =
      bindingLimit === 'idle'
        ? 'You will be signed out then for inactivity, unless you choose “Stay signed in” first.'
        : `You have reached the ${absoluteLimit(current)} for one sign-in. It cannot be extended.`;
    latest.textContent = timeOfDay(absoluteAt);
  };
  update(session);

  return {
    title: 'Signed in',
    update,
    content: [
      h(
        'div',
        { class: 'nhsuk-grid-row' },
        h(
          'div',
          { class: 'nhsuk-grid-column-full' },
          h('span', { class: 'nhsuk-caption-xl' }, 'Signed in as'),
          h('h1', { class: 'nhsuk-heading-xl', tabindex: '-1' }, fullName(session.user)),
          path === '/'
            ? null
            : inset(
                h(
                  'p',
                  {},
                  'You came back to the address you asked for, ',
                  h('span', { class: 'app-path' }, path),
                  '. This demonstration shows the same page there.',
                ),
              ),
          roleCard(session),
          card(
            'Your session',
            summaryList([
              [
                'Ends at',
                h('div', { class: 'app-last-margin-0' }, h('p', {}, endsAt, ' (', endsIn, ')'), why),
              ],
              [
                'Ends at the latest',
                h('span', {}, latest, ` (the ${absoluteLimit(session)} for one sign-in)`),
              ],
            ]),
            button('Stay signed in', 'nhsuk-button--secondary', actions.extend),
          ),
          assuranceCard(session),
        ),
      ),
    ],
  };
}
