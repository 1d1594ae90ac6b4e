/** The page a failed sign-in ends on. */

import { safeReference } from '../bff.ts';
import type { ActiveSession } from '../bff.ts';
import { h, inset, pageHeading, paragraphs, readingColumn, sectionHeading } from '../dom.ts';
import { helpSection } from '../help.ts';
import { lastSignIn, signInLink } from '../sign-in.ts';
import { signInError } from '../sign-in-errors.ts';
import { fullName } from '../wording.ts';
import type { View } from './view.ts';

const stillSignedIn = (session: ActiveSession, returnTo: string): HTMLElement =>
  inset(
    h(
      'p',
      {},
      `You are still signed in as ${fullName(session.user)} from before. `,
      h('a', { href: returnTo }, 'Go back to the service'),
      '.',
    ),
  );

/**
 * @param query - the query string of the page's address, which anybody can have written
 * @param session - a session from before the sign-in that failed, which is still alive
 */
export function signInFailed(query: string, session: ActiveSession | null): View {
  const parameters = new URLSearchParams(query);
  const error = signInError(parameters.get('code'), parameters.get('reason'));
  const signIn = lastSignIn();
  return {
    title: error.heading,
    content: [
      readingColumn(
        pageHeading(error.heading),
        ...paragraphs(error.happened),
        session === null ? null : stillSignedIn(session, signIn.returnTo),
        sectionHeading('What to do now'),
        ...error.toDo(),
        signInLink('Try again', signIn, 'nhsuk-button'),
        helpSection(error.contact, safeReference(parameters.get('reference'))),
      ),
    ],
  };
}
