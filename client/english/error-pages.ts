/** The texts of the pages that a failed sign-in and an ended session end on. */
import type { EndReason } from '../types.ts';

/** What a page of a failed sign-in or an ended session says. */
export interface ProblemText {
  readonly heading: string;
  readonly happened: string;
  /** What to do now, in order. */
  readonly toDo: readonly string[];
  /** Who helps when that does not. */
  readonly contact: string;
  /** The way on when it is not to sign in: the home page, or a sign-in with `reauth`. */
  readonly next?: 'home' | 'confirm';
}

/** Who helps. */
export const contacts = {
  desk: 'If it happens again, contact your IT service desk.',
  link: 'If a link in this service led you here, contact your IT service desk.',
  registration:
    'Contact your organisation’s Registration Authority (RA) team. They look after roles and identities.',
} as const;

const unavailable: ProblemText = {
  heading: 'This service is not available',
  happened: 'A part of this service does not answer at the moment. You have not done anything wrong.',
  toDo: ['Wait a minute, then try again.'],
  contact: contacts.desk,
};

/** By the code, or the reason of `role_required`, in the address of the sign-in error page. */
export const signInErrors: Readonly<Record<string, ProblemText>> & { readonly unknown: ProblemText } = {
  access_denied: {
    heading: 'Sign-in was cancelled',
    happened: 'You, or Care Identity, stopped the sign-in before it was finished.',
    toDo: [
      'If you cancelled it yourself, try again when you are ready.',
      'If you did not, your smartcard may be locked or out of date. Unlock it at Care Identity.',
    ],
    contact: 'If you cannot unlock it, contact your organisation’s Registration Authority (RA) team.',
  },
  login_expired: {
    heading: 'Your sign-in ran out of time',
    happened:
      'A sign-in has to be finished within 10 minutes, in the browser it was started in, and can be used once only. This also happens when an old sign-in page is opened again with the back button or a bookmark.',
    toDo: ['Start again with the button below. If you used a bookmark of a sign-in page, delete it.'],
    contact: contacts.desk,
  },
  no_cookies: {
    heading: 'Your browser does not keep the cookies of this service',
    happened:
      'To sign you in, this service needs two cookies, and your browser did not keep them. They say which session is yours, and nothing else.',
    toDo: [
      'In your browser’s settings, allow cookies for this site. If you use an add-on that blocks them, switch it off here.',
      'Try again.',
    ],
    contact: 'If you cannot change these settings yourself, contact your IT service desk.',
  },
  response_invalid: {
    heading: 'We could not confirm your sign-in',
    happened:
      'The answer from Care Identity did not pass our security checks, so we did not sign you in. You have not done anything wrong.',
    toDo: ['Try again.'],
    contact: contacts.desk,
  },
  provider_logout: {
    heading: 'Care Identity signed you out',
    happened:
      'Your Care Identity session ended before you were signed in here. This happens when a smartcard is taken out too early, or when you sign out of Care Identity in another window.',
    toDo: ['If you use a smartcard, put it in the reader and leave it there.', 'Try again.'],
    contact: contacts.desk,
  },
  assurance_insufficient: {
    heading: 'You need a stronger way to sign in',
    happened:
      'Care Identity recognised you. But the way you signed in, or the check of your identity that it has on record, is not strong enough for this service.',
    toDo: [
      'If you signed in with a password or a code, try again with a smartcard, a security key, a passkey, Windows Hello or the Care Identity app on an iPad.',
      'If you used one of these already, ask your organisation’s Registration Authority (RA) team to verify your identity to the level that this service needs.',
    ],
    contact: contacts.registration,
  },
  role_required: {
    heading: 'You do not have a role for this service',
    happened: 'Care Identity recognised you, but none of your roles can be used with this service.',
    toDo: ['Ask your manager or sponsor which role you need.', 'Try again once the role has been added.'],
    contact: contacts.registration,
  },
  no_role: {
    heading: 'Your Care Identity has no role',
    happened:
      'Care Identity recognised you, but no role is recorded for you. This service can only be used in a role.',
    toDo: ['Ask your manager or sponsor which role you need.', 'Try again once the role has been added.'],
    contact: contacts.registration,
  },
  role: {
    heading: 'None of your roles can be used with this service',
    happened: 'None of your roles has the job role, activity or workgroup that this service asks for.',
    toDo: [
      'Ask your manager whether you are meant to use this service, and in which role.',
      'Try again once the role has been added.',
    ],
    contact: contacts.registration,
  },
  organisation: {
    heading: 'Your organisation is not set up for this service',
    happened: 'Your job role would do. But your roles are at organisations that do not use this service yet.',
    toDo: ['Ask your manager whether your organisation is going to use this service, then try again.'],
    contact: 'Contact your IT service desk. They can ask for your organisation to be set up.',
  },
  contradictory: {
    heading: 'One of your roles is recorded twice, with different rights',
    happened:
      'Care Identity lists one of your roles twice, each time with other rights, so we did not use it. You have no other role that this service accepts.',
    toDo: [
      'Ask your organisation’s Registration Authority (RA) team to correct it.',
      'Try again once it has been corrected.',
    ],
    contact: contacts.registration,
  },
  provider_error: {
    heading: 'Care Identity could not sign you in',
    happened: 'Care Identity reported a problem of its own and did not tell us who you are.',
    toDo: ['Wait a minute, then try again.'],
    contact: contacts.desk,
  },
  provider_unavailable: {
    heading: 'Care Identity is not available',
    happened:
      'We could not reach Care Identity, or it took too long to answer. You have not done anything wrong.',
    toDo: ['Wait a few minutes, then try again.'],
    contact: contacts.desk,
  },
  internal_error: {
    heading: 'There is a problem with this service',
    happened:
      'Something went wrong on our side, so what you asked for was not done. You have not done anything wrong.',
    toDo: ['Try again.'],
    contact: contacts.desk,
  },
  invalid_request: {
    heading: 'This link does not work',
    happened:
      'The address that was opened is incomplete, or asks for something that this service does not do. Nothing was changed.',
    toDo: ['Go to the home page, and on from there. If you used a bookmark, delete it.'],
    contact: contacts.link,
    next: 'home',
  },
  session_required: {
    heading: 'You are not signed in',
    happened: 'The address that was opened is only for people who are signed in.',
    toDo: ['Sign in first.'],
    contact: contacts.desk,
  },
  session_ended: {
    heading: 'Your session has ended',
    happened: 'You were signed in before, but no longer are. Nothing was changed.',
    toDo: ['Sign in again to go on.'],
    contact: contacts.desk,
  },
  step_up_required: {
    heading: 'Confirm that it is you',
    happened: 'What you asked for needs a newer or a stronger sign-in than the one you have.',
    toDo: ['Sign in again at Care Identity, with a smartcard or a security key if you have one.'],
    contact: contacts.registration,
    next: 'confirm',
  },
  csrf_rejected: {
    heading: 'This address cannot be opened directly',
    happened:
      'It is for the pages of this service only. It cannot be typed, bookmarked or reached from another website. Nothing was changed.',
    toDo: ['Go to the home page, and on from there.'],
    contact: contacts.link,
    next: 'home',
  },
  role_not_permitted: {
    heading: 'You cannot use this role here',
    happened:
      'This service does not accept that role, or it is no longer one of yours. Your role was not changed.',
    toDo: ['Go to the home page and choose another role.'],
    contact: contacts.registration,
    next: 'home',
  },
  not_found: {
    heading: 'Page not found',
    happened: 'There is nothing at the address that was opened.',
    toDo: ['If you typed or pasted the address, check that it is right and complete.'],
    contact: contacts.link,
    next: 'home',
  },
  method_not_allowed: {
    heading: 'This address cannot be opened directly',
    happened:
      'It is there for another step than the one that your browser took, such as sending a form. Nothing was changed.',
    toDo: ['Go to the home page, and on from there.'],
    contact: contacts.link,
    next: 'home',
  },
  session_changed: {
    heading: 'You are signed in differently now',
    happened:
      'Somebody signed in, or changed role, in another tab of this browser. What you asked for was not done.',
    toDo: ['Go to the home page, and check whose session it is before you go on.'],
    contact: contacts.desk,
    next: 'home',
  },
  payload_too_large: {
    heading: 'Too much was sent at once',
    happened: 'What your browser sent is larger than this service takes. Nothing was changed.',
    toDo: ['Go to the home page, and try again with less.'],
    contact: contacts.desk,
    next: 'home',
  },
  unsupported_media_type: {
    heading: 'This service could not read what was sent',
    happened: 'Your browser sent it in a form that this service does not take. Nothing was changed.',
    toDo: ['Go to the home page, and try again from there.'],
    contact: contacts.desk,
    next: 'home',
  },
  rate_limited: {
    heading: 'Too many requests',
    happened:
      'This service was asked too often in a short time, by you or by other people in your organisation.',
    toDo: ['Wait a minute, then try again.'],
    contact: contacts.desk,
  },
  upstream_invalid: {
    heading: 'Another NHS service did not answer properly',
    happened: 'This service asked another one for what you need, and could not use its answer.',
    toDo: ['Wait a minute, then try again from the home page.'],
    contact: contacts.desk,
    next: 'home',
  },
  upstream_timeout: {
    heading: 'Another NHS service took too long',
    happened:
      'This service got no answer in time. What you asked for may have been done all the same: check before you do it again.',
    toDo: ['Wait a minute, then try again from the home page.'],
    contact: contacts.desk,
    next: 'home',
  },
  store_unavailable: unavailable,
  keys_unavailable: unavailable,
  unknown: {
    heading: 'You were not signed in',
    happened: 'The sign-in was not finished.',
    toDo: ['Try again from the start.'],
    contact: contacts.desk,
  },
};

export const endings: Readonly<Record<EndReason | 'unknown', ProblemText>> = {
  idle: {
    heading: 'You were signed out because you were not active',
    happened: 'This service was not used for a while, so we signed you out to protect patients’ information.',
    toDo: ['Sign in again to go on.'],
    contact: 'If you were signed out while you were using this service, contact your IT service desk.',
  },
  absolute: {
    heading: 'You were signed out because your session reached its time limit',
    happened: 'One sign-in lasts for a limited time, however active you are.',
    toDo: ['Sign in again to confirm that it is still you.'],
    contact: 'If you were signed out much too early, contact your IT service desk.',
  },
  signed_out: {
    heading: 'You have signed out',
    happened: 'You signed out, in this tab or in another one.',
    toDo: [
      'If you use a smartcard and are leaving this computer, take it out of the reader. To go on, sign in again.',
    ],
    contact: 'If you did not sign out, contact your IT service desk.',
  },
  provider_logout: {
    heading: 'You were signed out because your Care Identity session ended',
    happened:
      'Care Identity told us so. It happens when you take your smartcard out of the reader, or sign out of Care Identity.',
    toDo: ['If you use a smartcard, put it back in the reader first. Then sign in again.'],
    contact: 'If you did not take your smartcard out or sign out, contact your IT service desk.',
  },
  replaced: {
    heading: 'You were signed out because of a newer sign-in',
    happened:
      'Your Care Identity was used to sign in again, here or on another device, or your role was changed there.',
    toDo: ['If that was you, go on there. To go on here, sign in again: that may sign you out there.'],
    contact:
      'If it was not you, contact your IT service desk straight away. Somebody else may be using your Care Identity.',
  },
  revoked: {
    heading: 'Your session was ended for you',
    happened: 'You signed this device out from another one, or somebody who looks after this service did.',
    toDo: ['If you know why, sign in again.'],
    contact: 'If you do not know why, contact your IT service desk before you sign in again.',
  },
  unknown: {
    heading: 'You are no longer signed in',
    happened: 'Your session has ended.',
    toDo: ['Sign in again to go on.'],
    contact: 'If it happens again, contact your IT service desk.',
  },
};
