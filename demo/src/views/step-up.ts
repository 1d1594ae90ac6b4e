/** A page that asks for more than an ordinary sign-in: a higher level, or that the person is there now. */

import { signedInLately } from '../bff.ts';
import type { ActiveSession } from '../bff.ts';
import { bulletList, h, pageHeading, readingColumn, sectionHeading, summaryList } from '../dom.ts';
import { helpSection, registrationAuthority } from '../help.ts';
import { signInLink } from '../sign-in.ts';
import { methods, timeOfDay } from '../wording.ts';
import type { View } from './view.ts';

export const stepUpPath = '/controlled-drugs';

const level = 3;

const tooLow = (session: ActiveSession, returnTo: string): readonly HTMLElement[] => [
  pageHeading('This page needs a stronger way to sign in'),
  h(
    'p',
    {},
    `You signed in with: ${methods(session.assurance.methods)}. That is level ${String(session.assurance.authentication)}. ` +
      `The controlled drugs register needs level ${String(level)}.`,
  ),
  sectionHeading('What to do now'),
  h('p', {}, 'Sign in again, and choose one of these at Care Identity:'),
  bulletList([
    'a smartcard',
    'a security key',
    'a passkey',
    'Windows Hello',
    'the Care Identity app on an iPad',
  ]),
  h('p', {}, 'You will come back to this page.'),
  signInLink('Sign in at level 3', { returnTo, acr: 'AAL3_ANY' }, 'nhsuk-button'),
  h('p', {}, h('a', { href: '/' }, 'Go on without this page')),
];

const tooLongAgo = (session: ActiveSession, returnTo: string): readonly HTMLElement[] => [
  pageHeading('Confirm it is you'),
  h(
    'p',
    {},
    `You signed in at ${timeOfDay(session.assurance.authenticatedAt)}. The controlled drugs register asks for a sign-in ` +
      'in the last 5 minutes, so that nobody uses a screen that you have left.',
  ),
  signInLink('Confirm it is you', { returnTo, reauth: '1' }, 'nhsuk-button'),
  h('p', {}, h('a', { href: '/' }, 'Go on without this page')),
];

const register = ({ assurance }: ActiveSession, returnTo: string): readonly HTMLElement[] => [
  pageHeading('Controlled drugs register'),
  h(
    'p',
    { class: 'nhsuk-lede-text' },
    'Your sign-in is strong and recent enough for this page. This demonstration keeps no register.',
  ),
  summaryList([
    ['Signed in with', methods(assurance.methods)],
    ['Authentication level', `Level ${String(assurance.authentication)} of 3`],
    ['Signed in at', timeOfDay(assurance.authenticatedAt)],
  ]),
  h(
    'p',
    {},
    'Handing over to a colleague, or not sure who is at this screen? ',
    signInLink('Confirm it is you', { returnTo, reauth: '1' }, ''),
    '.',
  ),
];

/** @param returnTo - the path of this very page */
export function stepUp(session: ActiveSession, returnTo: string): View {
  const isLow = session.assurance.authentication < level;
  const [title, content] = isLow
    ? ['This page needs a stronger way to sign in', tooLow(session, returnTo)]
    : !signedInLately(session)
      ? ['Confirm it is you', tooLongAgo(session, returnTo)]
      : ['Controlled drugs register', register(session, returnTo)];
  return {
    title,
    content: [
      readingColumn(
        ...content,
        helpSection(`If you have none of the ways to sign in at level 3, contact ${registrationAuthority}.`),
      ),
    ],
  };
}
