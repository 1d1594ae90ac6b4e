/** The pages of somebody who is not signed in. */

import type { BffError, EndReason } from '../bff.ts';
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

const logIn = (returnTo: string): HTMLElement =>
  signInLink('Log in with my Care Identity', { returnTo }, 'nhsuk-button nhsuk-button--login');

const comingBack = (returnTo: string): HTMLElement | null =>
  returnTo === '/'
    ? null
    : inset(
        h(
          'p',
          {},
          'After you log in you will come back to ',
          h('span', { class: 'app-path' }, returnTo),
          '.',
        ),
      );

export const welcome = (returnTo: string): View => ({
  title: 'Log in',
  content: [
    readingColumn(
      pageHeading('Log in to the example ward service'),
      h(
        'p',
        { class: 'nhsuk-lede-text' },
        'This demonstration shows how people who work in health and care sign in with their NHS Care Identity.',
      ),
      comingBack(returnTo),
      sectionHeading('Before you start'),
      h('p', {}, 'You need a Care Identity and one of these:'),
      bulletList([
        'a smartcard in a reader',
        'a security key, a passkey or Windows Hello',
        'the Care Identity app on an iPad',
      ]),
      logIn(returnTo),
      sectionHeading('What happens next'),
      numberedList([
        'Care Identity asks you to prove that it is you.',
        'You come back to this page, signed in.',
        'You are signed out when you choose to, after a time without activity, and after 12 hours at the latest.',
      ]),
      details(
        'I cannot log in',
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
        logIn(returnTo),
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
        h('p', {}, h('strong', {}, 'You may still be logged in to Care Identity.')),
        h(
          'p',
          {},
          'Signing out here does not end your Care Identity session, and other services may still be open. ' +
            'If you use a smartcard, take it out of the reader before you leave this computer.',
        ),
      ),
      logIn('/'),
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
