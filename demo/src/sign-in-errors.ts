/** Why a sign-in failed, in words for the person it happened to. */

export interface SignInError {
  readonly heading: string;
  /** What happened, in one or two paragraphs. */
  readonly happened: readonly string[];
  /** What to do now, in the order to try it. */
  readonly steps: readonly string[];
}

const registrationAuthority = 'your organisation’s Registration Authority (RA) team';

const errors: Readonly<Record<string, SignInError>> = {
  access_denied: {
    heading: 'Sign-in was cancelled',
    happened: ['You, or Care Identity, stopped the sign-in before it was finished.'],
    steps: [
      'If you cancelled it yourself, try again when you are ready.',
      `If you did not, your smartcard or account may be locked. Contact ${registrationAuthority}.`,
    ],
  },
  login_expired: {
    heading: 'Your sign-in ran out of time',
    happened: [
      'A sign-in has to be finished within 10 minutes, in the browser it was started in, and can be used once only. ' +
        'This also happens when an old sign-in page is opened again with the back button or a bookmark.',
    ],
    steps: ['Try again from the start.', 'If you bookmarked a sign-in page, delete that bookmark.'],
  },
  response_invalid: {
    heading: 'We could not confirm your sign-in',
    happened: [
      'The answer from Care Identity did not pass our security checks, so we did not sign you in. ' +
        'You have not done anything wrong.',
    ],
    steps: ['Try again.', 'If it happens again, contact your IT service desk.'],
  },
  provider_logout: {
    heading: 'Care Identity signed you out',
    happened: [
      'Your Care Identity session ended before you were signed in here. ' +
        'This happens when a smartcard is taken out too early.',
    ],
    steps: [
      'If you use a smartcard, put it in the reader and leave it there.',
      'Try again.',
      'If it happens again, contact your IT service desk.',
    ],
  },
  assurance_insufficient: {
    heading: 'You need a stronger way to sign in',
    happened: [
      'Care Identity recognised you. But the way you logged in, or the check of your identity that it has on record, ' +
        'is not strong enough for this service.',
    ],
    steps: [
      'Try again with your smartcard, a security key, a passkey, Windows Hello or the Care Identity app on an iPad.',
      `If you used one of these already, your identity check may need to be updated. Contact ${registrationAuthority}.`,
    ],
  },
  role_required: {
    heading: 'You do not have a role for this service',
    happened: ['Care Identity recognised you, but none of your roles can be used with this service.'],
    steps: [
      `Ask your manager or sponsor which role you need, then ask ${registrationAuthority} to add it.`,
      'Try again once the role has been added.',
    ],
  },
  provider_error: {
    heading: 'Care Identity could not sign you in',
    happened: ['Care Identity reported a problem of its own and did not tell us who you are.'],
    steps: ['Try again.', 'If it happens again, contact your IT service desk.'],
  },
  provider_unavailable: {
    heading: 'Care Identity is not available',
    happened: [
      'We could not reach Care Identity, or it took too long to answer. You have not done anything wrong.',
    ],
    steps: [
      'Wait a few minutes, then try again.',
      'If you need information for a patient now, follow your organisation’s business continuity procedure.',
      'If it goes on, contact your IT service desk.',
    ],
  },
  internal_error: {
    heading: 'There is a problem with this service',
    happened: [
      'Something went wrong on our side, so we could not sign you in. You have not done anything wrong.',
    ],
    steps: [
      'Try again.',
      'If you need information for a patient now, follow your organisation’s business continuity procedure.',
      'If it happens again, contact your IT service desk.',
    ],
  },
};

const unknown: SignInError = {
  heading: 'You were not signed in',
  happened: ['The sign-in was not finished.'],
  steps: ['Try again.', 'If it happens again, contact your IT service desk.'],
};

/** The words for a code of the address bar. A code that is not known gets general ones, and is never shown. */
export const signInError = (code: string | null): SignInError =>
  code !== null && Object.hasOwn(errors, code) ? (errors[code] ?? unknown) : unknown;
