/** The pages of somebody who is not signed in. */

import { signInUrl } from '../bff.ts';
import type { BffError, EndReason } from '../bff.ts';
import { bulletList, button, buttonLink, details, h, inset, numberedList, readingColumn } from '../dom.ts';
import { failureText } from '../failures.ts';
import type { View } from './view.ts';

const logIn = (returnTo: string): HTMLElement =>
  buttonLink('Log in with my Care Identity', signInUrl(returnTo), 'nhsuk-button--login');

const heading = (text: string): HTMLElement => h('h1', { class: 'nhsuk-heading-xl', tabindex: '-1' }, text);

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
      heading('Log in to the example ward service'),
      h(
        'p',
        { class: 'nhsuk-lede-text' },
        'This demonstration shows how people who work in health and care sign in with their NHS Care Identity.',
      ),
      comingBack(returnTo),
      h('h2', { class: 'nhsuk-heading-m' }, 'Before you start'),
      h('p', {}, 'You need a Care Identity and one of these:'),
      bulletList([
        'a smartcard in a reader',
        'a security key, a passkey or Windows Hello',
        'the Care Identity app on an iPad',
      ]),
      logIn(returnTo),
      h('h2', { class: 'nhsuk-heading-m' }, 'What happens next'),
      numberedList([
        'Care Identity asks you to prove that it is you.',
        'You come back to this page, signed in.',
        'You are signed out when you choose to, after a time without activity, and after 12 hours at the latest.',
      ]),
      details(
        'I cannot log in',
        h(
          'p',
          {},
          'If your smartcard is locked, lost or out of date, contact your organisation’s Registration Authority (RA) ' +
            'team. For anything else, contact your IT service desk.',
        ),
      ),
    ),
  ],
});

interface Ending {
  readonly heading: string;
  readonly paragraphs: readonly string[];
}

const endings: Readonly<Record<EndReason, Ending>> = {
  idle: {
    heading: 'You were signed out because you were not active',
    paragraphs: [
      'This service was not used for a while, so we signed you out to protect patients’ information.',
    ],
  },
  absolute: {
    heading: 'You were signed out because your session reached its time limit',
    paragraphs: [
      'However active you are, one sign-in lasts only so long. Log in again to confirm that it is still you.',
    ],
  },
  signed_out: {
    heading: 'You have signed out',
    paragraphs: ['You signed out, in this tab or in another one.'],
  },
  provider_logout: {
    heading: 'You were signed out because your Care Identity session ended',
    paragraphs: [
      'Care Identity told us so. It happens when you log out there or take your smartcard out of the reader. ' +
        'If you did neither, tell your IT service desk.',
    ],
  },
  replaced: {
    heading: 'You were signed out because of a newer sign-in',
    paragraphs: [
      'Your Care Identity was used to sign in again, here or on another device. ' +
        'If that was not you, tell your IT service desk straight away.',
    ],
  },
  revoked: {
    heading: 'Your session was ended for you',
    paragraphs: [
      'You ended it from another device, or somebody who looks after this service did. ' +
        'If you do not know why, contact your IT service desk.',
    ],
  },
};

const noLongerSignedIn: Ending = {
  heading: 'You are no longer signed in',
  paragraphs: ['Your session has ended. Nothing of it is kept in this browser.'],
};

export const ended = (reason: EndReason | null, returnTo: string): View => {
  const ending = reason === null ? noLongerSignedIn : endings[reason];
  return {
    title: ending.heading,
    content: [
      readingColumn(
        heading(ending.heading),
        ...ending.paragraphs.map((paragraph) => h('p', {}, paragraph)),
        comingBack(returnTo),
        logIn(returnTo),
      ),
    ],
  };
};

export const signedOut = (): View => ({
  title: 'You have signed out',
  content: [
    readingColumn(
      heading('You have signed out'),
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
      heading('We cannot tell whether you are signed in'),
      h('p', {}, failureText(failure)),
      h('p', {}, 'Nothing is shown until we know who you are. We try again by ourselves.'),
      button('Try again', '', tryAgain),
    ),
  ],
});
