/** The page a failed sign-in ends on. */

import { safeReference, signInUrl } from '../bff.ts';
import type { ActiveSession } from '../bff.ts';
import { buttonLink, h, inset, numberedList, readingColumn } from '../dom.ts';
import { signInError } from '../sign-in-errors.ts';
import { fullName } from '../wording.ts';
import type { View } from './view.ts';

/**
 * @param query - the query string of the page's address, which anybody can have written
 * @param session - a session from before the sign-in that failed, which is still alive
 */
export function signInFailed(query: string, session: ActiveSession | null): View {
  const parameters = new URLSearchParams(query);
  const error = signInError(parameters.get('code'));
  const reference = safeReference(parameters.get('reference'));
  return {
    title: error.heading,
    content: [
      readingColumn(
        h('h1', { class: 'nhsuk-heading-xl', tabindex: '-1' }, error.heading),
        ...error.happened.map((paragraph) => h('p', {}, paragraph)),
        session === null
          ? null
          : inset(
              h(
                'p',
                {},
                `You are still signed in as ${fullName(session.user)} from before. `,
                h('a', { href: '/' }, 'Go back to the service'),
                '.',
              ),
            ),
        h('h2', { class: 'nhsuk-heading-m' }, 'What to do'),
        numberedList(error.steps),
        reference === null
          ? null
          : inset(
              h('p', {}, 'When you ask for help, give this reference:'),
              h('p', { class: 'app-reference', id: 'reference' }, reference),
            ),
        buttonLink('Try again', signInUrl('/')),
      ),
    ],
  };
}
