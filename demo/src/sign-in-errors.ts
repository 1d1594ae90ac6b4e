/** Why a sign-in failed, or an address was refused, in words for the person it happened to. */

import { bulletList, h, numberedList, paragraphs } from './dom.ts';
import { registrationAuthority, serviceDesk, unlockLink } from './help.ts';

export interface SignInError {
  readonly heading: string;
  /** What happened, in one or two paragraphs. */
  readonly happened: readonly string[];
  /** What to do now, before the button. */
  readonly toDo: () => readonly HTMLElement[];
  /** What the button does; without it, the sign-in that was begun last is tried again. */
  readonly next?: 'sign in' | 'confirm it is you' | 'go home';
  /** Whom to call, and when. */
  readonly contact: string;
}

const continuity =
  'If you need information for a patient now, follow your organisation’s business continuity procedure.';
const desk = `If it happens again, contact ${serviceDesk}.`;
const raContact = `Contact ${registrationAuthority}. They look after roles and identities.`;

const linkedHere = `If a link in this service led you here, contact ${serviceDesk}.`;

const notAvailable: SignInError = {
  heading: 'This service is not available',
  happened: ['A part of this service does not answer at the moment. You have not done anything wrong.'],
  toDo: () => [numberedList(['Wait a minute, then try again.', continuity])],
  contact: `If it goes on, contact ${serviceDesk}.`,
};

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
        'This happens when a smartcard is taken out too early, or when you sign out of Care Identity in another window.',
    ],
    toDo: () => [
      numberedList(['If you use a smartcard, put it in the reader and leave it there.', 'Try again.']),
    ],
    contact: desk,
  },
  assurance_insufficient: {
    heading: 'You need a stronger way to sign in',
    happened: [
      'Care Identity recognised you. But the way you signed in, or the check of your identity that it has on record, ' +
        'is not strong enough for what you asked for.',
    ],
    toDo: () => [
      h(
        'h3',
        { class: 'nhsuk-heading-s' },
        'If you signed in with a password, a code from an app, or NHSmail',
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
      'Something went wrong on our side, so what you asked for was not done. You have not done anything wrong.',
    ],
    toDo: () => paragraphs(['Try again. ' + continuity]),
    contact: desk,
  },
  invalid_request: {
    heading: 'This link does not work',
    happened: [
      'The address that was opened is incomplete, or asks for something that this service does not do. Nothing was changed.',
    ],
    toDo: () => [
      numberedList([
        'Go to the home page, and on from there.',
        'If you used a bookmark, delete it. If somebody sent you the link, do not use it again.',
      ]),
    ],
    next: 'go home',
    contact: linkedHere,
  },
  session_required: {
    heading: 'You are not signed in',
    happened: ['The address that was opened is only for people who are signed in.'],
    toDo: () => paragraphs(['Sign in first.']),
    next: 'sign in',
    contact: desk,
  },
  session_ended: {
    heading: 'Your session has ended',
    happened: ['You were signed in before, but no longer are. Nothing was changed.'],
    toDo: () => paragraphs(['Sign in again to go on.']),
    next: 'sign in',
    contact: desk,
  },
  step_up_required: {
    heading: 'Confirm that it is you',
    happened: ['What you asked for needs a newer or a stronger sign-in than the one you have.'],
    toDo: () =>
      paragraphs(['Sign in again at Care Identity, with a smartcard or a security key if you have one.']),
    next: 'confirm it is you',
    contact: `If you have no smartcard or security key, contact ${registrationAuthority}.`,
  },
  csrf_rejected: {
    heading: 'This address cannot be opened directly',
    happened: [
      'It is for the pages of this service only. It cannot be typed, bookmarked or reached from another website. ' +
        'Nothing was changed.',
    ],
    toDo: () => paragraphs(['Go to the home page, and on from there.']),
    next: 'go home',
    contact: linkedHere,
  },
  role_not_permitted: {
    heading: 'You cannot use this role here',
    happened: [
      'This service does not accept that role, or it is no longer one of yours. Your role was not changed.',
    ],
    toDo: () => paragraphs(['Go to the home page and choose another role under “Your role”.']),
    next: 'go home',
    contact: raContact,
  },
  not_found: {
    heading: 'Page not found',
    happened: ['There is nothing at the address that was opened.'],
    toDo: () => [
      numberedList([
        'If you typed or pasted the address, check that it is right and complete.',
        'Otherwise go to the home page, and on from there.',
      ]),
    ],
    next: 'go home',
    contact: linkedHere,
  },
  method_not_allowed: {
    heading: 'This address cannot be opened directly',
    happened: [
      'It is there for another step than the one that your browser took, such as sending a form. Nothing was changed.',
    ],
    toDo: () => paragraphs(['Go to the home page, and on from there.']),
    next: 'go home',
    contact: linkedHere,
  },
  session_changed: {
    heading: 'You are signed in differently now',
    happened: [
      'Somebody signed in, or changed role, in another tab of this browser. What you asked for was not done.',
    ],
    toDo: () => paragraphs(['Go to the home page, and check whose session it is before you go on.']),
    next: 'go home',
    contact: desk,
  },
  payload_too_large: {
    heading: 'Too much was sent at once',
    happened: ['What your browser sent is larger than this service takes. Nothing was changed.'],
    toDo: () => paragraphs(['Go to the home page, and try again with less.']),
    next: 'go home',
    contact: desk,
  },
  unsupported_media_type: {
    heading: 'This service could not read what was sent',
    happened: ['Your browser sent it in a form that this service does not take. Nothing was changed.'],
    toDo: () => paragraphs(['Go to the home page, and try again from there.']),
    next: 'go home',
    contact: desk,
  },
  rate_limited: {
    heading: 'Too many requests',
    happened: [
      'This service was asked too often in a short time, by you or by other people in your organisation.',
    ],
    toDo: () => paragraphs(['Wait a minute, then try again. ' + continuity]),
    contact: desk,
  },
  upstream_invalid: {
    heading: 'Another NHS service did not answer properly',
    happened: [
      'This service asked another one for what you need, and could not use its answer. You have not done anything wrong.',
    ],
    toDo: () => paragraphs(['Wait a minute, then try again from the home page. ' + continuity]),
    next: 'go home',
    contact: desk,
  },
  upstream_timeout: {
    heading: 'Another NHS service took too long',
    happened: [
      'This service asked another one for what you need, and got no answer in time. It may have been done all the same: ' +
        'check before you do it again.',
    ],
    toDo: () => paragraphs(['Wait a minute, then try again from the home page. ' + continuity]),
    next: 'go home',
    contact: desk,
  },
  store_unavailable: notAvailable,
  keys_unavailable: notAvailable,
};

/** Shown in place of `login_expired` where the browser keeps no cookies, without which no sign-in ever comes back in time. */
const noCookies: SignInError = {
  heading: 'Your browser does not keep the cookies of this service',
  happened: [
    'To sign you in, this service needs two cookies, and your browser did not keep them. They say which session is yours, ' +
      'and nothing else.',
  ],
  toDo: () => [
    numberedList([
      'In your browser’s settings, allow cookies for this site. If you use an add-on that blocks them, switch it off here.',
      'Try again.',
    ]),
  ],
  contact: `If you cannot change these settings yourself, contact ${serviceDesk}.`,
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
  contradictory: {
    heading: 'One of your roles is recorded twice, with different rights',
    happened: [
      'Care Identity recognised you. But it lists one of your roles twice, each time with other rights, so we cannot tell ' +
        'which are right. We did not use that role, and you have no other that this service accepts. You have not done ' +
        'anything wrong.',
    ],
    toDo: () => [
      numberedList([
        `Tell ${registrationAuthority} that one of your roles is listed twice with different rights, and ask them to ` +
          'correct it.',
        'Try again once it has been corrected.',
      ]),
      h('p', {}, continuity),
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

/**
 * The words for a code and a reason of the address bar. One that is not known gets general ones, and is never shown.
 *
 * @param keepsCookies - whether this browser keeps cookies; asked only where the answer matters
 */
export function signInError(
  code: string | null,
  reason: string | null,
  keepsCookies: () => boolean,
): SignInError {
  if (code === 'role_required') return find(roleErrors, reason, roleRequired);
  if (code === 'login_expired' && !keepsCookies()) return noCookies;
  return find(errors, code, unknown);
}
