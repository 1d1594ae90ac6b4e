/** The page that a failed sign-in ends on, and a person who opens an address that the backend refuses. */

import { referenceIn } from '../bff.ts';
import type { ActiveSession } from '../bff.ts';
import { keepsCookies } from '../cookies.ts';
import { h, inset, pageHeading, paragraphs, readingColumn, sectionHeading } from '../dom.ts';
import { helpSection } from '../help.ts';
import { lastSignIn, signInLink } from '../sign-in.ts';
import type { SignIn } from '../sign-in.ts';
import { signInError } from '../sign-in-errors.ts';
import type { SignInError } from '../sign-in-errors.ts';
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

function nextStep({ next }: SignInError, signIn: SignIn): HTMLElement {
  switch (next) {
    case 'go home':
      return h('a', { class: 'nhsuk-button', href: '/' }, 'Go to the home page');
    case 'sign in':
      return signInLink('Sign in', signIn, 'nhsuk-button');
    case 'confirm it is you':
      return signInLink('Confirm it is you', { ...signIn, reauth: '1' }, 'nhsuk-button');
    default:
      return signInLink('Try again', signIn, 'nhsuk-button');
  }
}

/**
 * @param query - the query string of the page's address, which anybody can have written
 * @param session - a session from before the sign-in that failed, which is still alive
 */
export function signInFailed(query: string, session: ActiveSession | null): View {
  const parameters = new URLSearchParams(query);
  const error = signInError(parameters.get('code'), parameters.get('reason'), keepsCookies);
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
        nextStep(error, signIn),
        helpSection(error.contact, referenceIn(parameters.get('reference'))),
      ),
    ],
  };
}
