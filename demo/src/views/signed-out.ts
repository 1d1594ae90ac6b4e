/** The pages of somebody who is not signed in. */

import type { BffError, EndReason } from '../bff.ts';
import { keepsCookies } from '../cookies.ts';
import {
  bulletList,
  button,
  details,
  h,
  inset,
  numberedList,
  pageHeading,
  readingColumn,
  sectionHeading,
} from '../dom.ts';
import { endingOf } from '../endings.ts';
import { failureMessage } from '../failures.ts';
import { helpSection, registrationAuthority, serviceDesk, unlockLink } from '../help.ts';
import { signInLink } from '../sign-in.ts';
import type { View } from './view.ts';

const signInButton = (returnTo: string): HTMLElement =>
  signInLink('Sign in with my Care Identity', { returnTo }, 'nhsuk-button nhsuk-button--login');

/** The address itself is not shown: anybody can have written it, and what it says would stand here as if we did. */
const comingBack = (returnTo: string): HTMLElement | null =>
  returnTo === '/'
    ? null
    : inset(h('p', {}, 'After you sign in you will come back to the page that you asked for.'));

export const welcome = (returnTo: string): View => ({
  title: 'Sign in',
  content: [
    readingColumn(
      pageHeading('Sign in to the example ward service'),
      h(
        'p',
        { class: 'nhsuk-lede-text' },
        'This demonstration shows how people who work in health and care sign in with their NHS Care Identity.',
      ),
      keepsCookies()
        ? null
        : inset(
            h('p', {}, h('strong', {}, 'Your browser does not keep the cookies of this service.')),
            h(
              'p',
              {},
              'You cannot sign in until it does. Allow cookies for this site in your browser’s settings, then load the page ' +
                `again. If you cannot change these settings yourself, contact ${serviceDesk}.`,
            ),
          ),
      comingBack(returnTo),
      sectionHeading('Before you start'),
      h('p', {}, 'You need a Care Identity and one of these:'),
      bulletList([
        'a smartcard in a reader',
        'a security key, a passkey or Windows Hello',
        'the Care Identity app on an iPad',
      ]),
      signInButton(returnTo),
      sectionHeading('What happens next'),
      numberedList([
        'Care Identity asks you to prove that it is you.',
        'You come back to this page, signed in.',
        'You are signed out when you choose to, after a time without activity, and after 12 hours at the latest.',
      ]),
      details(
        'I cannot sign in',
        h('p', {}, 'If your smartcard is locked: ', unlockLink(), '.'),
        h(
          'p',
          {},
          `If it is lost or out of date, contact ${registrationAuthority}. For anything else, contact ${serviceDesk}.`,
        ),
      ),
    ),
  ],
});

export const ended = (reason: EndReason | null, reference: string | null, returnTo: string): View => {
  const ending = endingOf(reason);
  return {
    title: ending.heading,
    content: [
      readingColumn(
        pageHeading(ending.heading),
        h('p', {}, ending.happened),
        sectionHeading('What to do now'),
        h('p', {}, ending.toDo),
        comingBack(returnTo),
        signInButton(returnTo),
        helpSection(ending.contact, reference),
      ),
    ],
  };
};

export const signedOut = (): View => ({
  title: 'You have signed out',
  content: [
    readingColumn(
      pageHeading('You have signed out'),
      h('p', { class: 'nhsuk-lede-text' }, 'You are signed out of the example ward service in this browser.'),
      inset(
        h('p', {}, h('strong', {}, 'You may still be signed in to Care Identity.')),
        h(
          'p',
          {},
          'Signing out here does not end your Care Identity session, and other services may still be open. ' +
            'If you use a smartcard, take it out of the reader before you leave this computer.',
        ),
      ),
      signInButton('/'),
    ),
  ],
});

export const checking = (): View => ({
  title: 'Checking',
  content: [h('p', { role: 'status' }, 'Checking whether you are signed in…')],
});

export const unavailable = (failure: BffError, tryAgain: () => void): View => ({
  title: 'Service not available',
  content: [
    readingColumn(
      pageHeading('We cannot tell whether you are signed in'),
      h('p', {}, failureMessage(failure)),
      h('p', {}, 'Nothing is shown until we know who you are. We try again by ourselves.'),
      button('Try again', '', tryAgain),
      helpSection(`If it goes on, contact ${serviceDesk}.`, failure.reference),
    ),
  ],
});
