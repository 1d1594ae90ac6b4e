/** Why a sign-in failed, in words for the person it happened to. */

import { bulletList, h, numberedList, paragraphs } from './dom.ts';
import { registrationAuthority, serviceDesk, unlockLink } from './help.ts';

export interface SignInError {
  readonly heading: string;
  /** What happened, in one or two paragraphs. */
  readonly happened: readonly string[];
  /** What to do now, before the button to try again. */
  readonly toDo: () => readonly HTMLElement[];
  /** Whom to call, and when. */
  readonly contact: string;
}

const continuity =
  'If you need information for a patient now, follow your organisation’s business continuity procedure.';
const desk = `If it happens again, contact ${serviceDesk}.`;
const raContact = `Contact ${registrationAuthority}. They look after roles and identities.`;

const errors: Readonly<Record<string, SignInError>> = {
  access_denied: {
    heading: 'Sign-in was cancelled',
    happened: ['You, or Care Identity, stopped the sign-in before it was finished.'],
    toDo: () => [
      h('p', {}, 'If you cancelled it yourself, try again when you are ready.'),
      h('p', {}, 'If you did not, your smartcard may be locked or out of date. ', unlockLink(), '.'),
    ],
    contact: `If you cannot unlock it, contact ${registrationAuthority}.`,
  },
  login_expired: {
    heading: 'Your sign-in ran out of time',
    happened: [
      'A sign-in has to be finished within 10 minutes, in the browser it was started in, and can be used once only. ' +
        'This also happens when an old sign-in page is opened again with the back button or a bookmark.',
    ],
    toDo: () => [
      numberedList([
        'Start again with the button below.',
        'If you used a bookmark of a sign-in page, delete that bookmark.',
      ]),
    ],
    contact: desk,
  },
  response_invalid: {
    heading: 'We could not confirm your sign-in',
    happened: [
      'The answer from Care Identity did not pass our security checks, so we did not sign you in. ' +
        'You have not done anything wrong.',
    ],
    toDo: () => paragraphs(['Try again. ' + continuity]),
    contact: desk,
  },
  provider_logout: {
    heading: 'Care Identity signed you out',
    happened: [
      'Your Care Identity session ended before you were signed in here. ' +
        'This happens when a smartcard is taken out too early, or when you log out of Care Identity in another window.',
    ],
    toDo: () => [
      numberedList(['If you use a smartcard, put it in the reader and leave it there.', 'Try again.']),
    ],
    contact: desk,
  },
  assurance_insufficient: {
    heading: 'You need a stronger way to sign in',
    happened: [
      'Care Identity recognised you. But the way you logged in, or the check of your identity that it has on record, ' +
        'is not strong enough for what you asked for.',
    ],
    toDo: () => [
      h(
        'h3',
        { class: 'nhsuk-heading-s' },
        'If you logged in with a password, a code from an app, or NHSmail',
      ),
      h('p', {}, 'Try again, and choose one of these at Care Identity:'),
      bulletList([
        'a smartcard',
        'a security key',
        'a passkey',
        'Windows Hello',
        'the Care Identity app on an iPad',
      ]),
      h('h3', { class: 'nhsuk-heading-s' }, 'If you used one of these already'),
      h(
        'p',
        {},
        `Your identity may not have been verified to level 3 yet. Trying again will not help: ask ${registrationAuthority} ` +
          'to verify your identity to level 3.',
      ),
    ],
    contact: `Contact ${registrationAuthority} about your identity check, or for a smartcard or security key of your own.`,
  },
  provider_error: {
    heading: 'Care Identity could not sign you in',
    happened: ['Care Identity reported a problem of its own and did not tell us who you are.'],
    toDo: () => paragraphs(['Wait a minute, then try again. ' + continuity]),
    contact: desk,
  },
  provider_unavailable: {
    heading: 'Care Identity is not available',
    happened: [
      'We could not reach Care Identity, or it took too long to answer. You have not done anything wrong.',
    ],
    toDo: () => [numberedList(['Wait a few minutes, then try again.', continuity])],
    contact: `If it goes on, contact ${serviceDesk}.`,
  },
  internal_error: {
    heading: 'There is a problem with this service',
    happened: [
      'Something went wrong on our side, so we could not sign you in. You have not done anything wrong.',
    ],
    toDo: () => paragraphs(['Try again. ' + continuity]),
    contact: desk,
  },
};

const roleErrors: Readonly<Record<string, SignInError>> = {
  no_role: {
    heading: 'Your Care Identity has no role',
    happened: [
      'Care Identity recognised you, but no role is recorded for you. This service can only be used in a role.',
    ],
    toDo: () => [
      numberedList([
        'Ask your manager or sponsor which role you need.',
        `Ask ${registrationAuthority} to add it to your Care Identity.`,
        'Try again once the role has been added.',
      ]),
    ],
    contact: raContact,
  },
  role: {
    heading: 'None of your roles can be used with this service',
    happened: [
      'Care Identity recognised you and told us your roles. None of them has the job role, activity or workgroup that ' +
        'this service asks for.',
    ],
    toDo: () => [
      numberedList([
        'Ask your manager whether you are meant to use this service, and in which role.',
        `If you are, ask ${registrationAuthority} to add that role.`,
        'Try again once the role has been added.',
      ]),
    ],
    contact: raContact,
  },
  organisation: {
    heading: 'Your organisation is not set up for this service',
    happened: [
      'Care Identity recognised you, and your job role would do. But your roles are at organisations that do not use ' +
        'this service yet.',
    ],
    toDo: () => [
      numberedList([
        'Ask your manager whether your organisation is going to use this service.',
        `If you also work for an organisation that does, ask ${registrationAuthority} for a role there.`,
        'Try again once that is done.',
      ]),
    ],
    contact: `Contact ${serviceDesk}. They can ask for your organisation to be set up.`,
  },
};

const roleRequired: SignInError = {
  heading: 'You do not have a role for this service',
  happened: ['Care Identity recognised you, but none of your roles can be used with this service.'],
  toDo: () => [
    numberedList([
      `Ask your manager or sponsor which role you need, then ask ${registrationAuthority} to add it.`,
      'Try again once the role has been added.',
    ]),
  ],
  contact: raContact,
};

const unknown: SignInError = {
  heading: 'You were not signed in',
  happened: ['The sign-in was not finished.'],
  toDo: () => paragraphs(['Try again from the start.']),
  contact: desk,
};

const find = (
  table: Readonly<Record<string, SignInError>>,
  key: string | null,
  otherwise: SignInError,
): SignInError => (key !== null && Object.hasOwn(table, key) ? (table[key] ?? otherwise) : otherwise);

/** The words for a code and a reason of the address bar. One that is not known gets general ones, and is never shown. */
export const signInError = (code: string | null, reason: string | null): SignInError =>
  code === 'role_required' ? find(roleErrors, reason, roleRequired) : find(errors, code, unknown);
