/** The page of somebody who is signed in. */

import { serverNow } from '../bff.ts';
import type { ActiveSession } from '../bff.ts';
import { button, card, h, inset, nameAndCode, summaryList } from '../dom.ts';
import { registrationAuthority } from '../help.ts';
import {
  absoluteLimit,
  fullName,
  methods,
  organisationAndCode,
  roleAndCode,
  roughDuration,
  timeOfDay,
} from '../wording.ts';
import { rolePath } from './role.ts';
import { sessionsPath } from './sessions.ts';
import type { View } from './view.ts';

const roleCard = ({ role }: ActiveSession): HTMLElement =>
  role === null
    ? card(
        'Your role',
        inset(
          h('p', {}, h('strong', {}, 'Your Care Identity has no role.')),
          h(
            'p',
            {},
            `You are signed in, but nothing that depends on a role can be used. Ask ${registrationAuthority} to add the role ` +
              'you need.',
          ),
        ),
        h('p', {}, h('a', { href: rolePath }, 'What you can do about your role')),
      )
    : card(
        'Your role',
        summaryList([
          ['Role', nameAndCode(roleAndCode(role))],
          ['Organisation', nameAndCode(organisationAndCode(role))],
        ]),
        h('p', {}, h('a', { href: rolePath }, 'Change role')),
      );

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
                  'You are at the page that you asked for. This demonstration shows its home page there.',
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
            h('p', {}, h('a', { href: sessionsPath }, 'Where you are signed in')),
          ),
          assuranceCard(session),
        ),
      ),
    ],
  };
}
