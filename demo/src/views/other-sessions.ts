/** The question after a sign-in: what about the other places where the person is signed in? */

import type { ActiveSession } from '../bff.ts';
import { button, h, pageHeading, readingColumn } from '../dom.ts';
import { helpSection, serviceDesk } from '../help.ts';
import { tabStorage } from '../tab-storage.ts';
import { sessionsPath } from './sessions.ts';
import type { View } from './view.ts';

const storageKey = 'other-sessions-kept';

/** One sign-in: the moment of it does not change with the role, as the session's handle does. */
const signInOf = (session: ActiveSession): string => session.assurance.authenticatedAt.toISOString();

/** The person has been asked about this sign-in, in this tab, and has answered. */
export const hasAnswered = (session: ActiveSession): boolean =>
  tabStorage.get(storageKey) === signInOf(session);

export const rememberAnswer = (session: ActiveSession): void => {
  tabStorage.set(storageKey, signInOf(session));
};

export const forgetAnswer = (): void => {
  tabStorage.remove(storageKey);
};

/** @param actions - what the two buttons do; both lead on to the page that was asked for */
export function otherSessions(
  session: ActiveSession,
  actions: { readonly endOthers: () => void; readonly keep: () => void },
): View {
  const [others, keep] =
    session.otherSessions === 1
      ? ['one other place', 'Keep both']
      : [`${String(session.otherSessions)} other places`, 'Keep them all'];
  return {
    title: 'You are also signed in elsewhere',
    content: [
      readingColumn(
        pageHeading('You are also signed in elsewhere'),
        h(
          'p',
          {},
          `When you signed in here, you were signed in to this service in ${others} as well. That can be another browser on ` +
            'this computer, or a computer that you have left.',
        ),
        h('p', {}, 'If somebody else can get to it, sign out there.'),
        h(
          'div',
          { class: 'nhsuk-button-group' },
          button('Sign out there', '', actions.endOthers),
          button(keep, 'nhsuk-button--secondary', actions.keep),
        ),
        h('p', {}, h('a', { href: sessionsPath }, 'See where you are signed in')),
        helpSection(
          `If you did not sign in anywhere else, sign out there and tell ${serviceDesk} straight away.`,
        ),
      ),
    ],
  };
}
