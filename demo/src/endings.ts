/** Why a session ended, in words for the person it belonged to. */

import type { EndReason } from './bff.ts';
import { serviceDesk } from './help.ts';

export interface Ending {
  readonly heading: string;
  readonly happened: string;
  /** What to do now. */
  readonly toDo: string;
  /** Whom to call, and when. */
  readonly contact: string;
}

const unsaved = 'Anything that you had not saved is not kept.';

const endings: Readonly<Record<EndReason, Ending>> = {
  idle: {
    heading: 'You were signed out because you were not active',
    happened: `This service was not used for a while, so we signed you out to protect patients’ information. ${unsaved}`,
    toDo: 'Sign in again to go on.',
    contact: `If you were signed out while you were using this service, contact ${serviceDesk}.`,
  },
  absolute: {
    heading: 'You were signed out because your session reached its time limit',
    happened: `However active you are, one sign-in lasts for 12 hours at most. ${unsaved}`,
    toDo: 'Sign in again to confirm that it is still you.',
    contact: `If you were signed out much too early, contact ${serviceDesk}.`,
  },
  signed_out: {
    heading: 'You have signed out',
    happened: 'You signed out, in this tab or in another one.',
    toDo: 'If you use a smartcard and are leaving this computer, take it out of the reader. To go on, sign in again.',
    contact: `If you did not sign out, contact ${serviceDesk}.`,
  },
  provider_logout: {
    heading: 'You were signed out because your Care Identity session ended',
    happened:
      'Care Identity told us so. It happens when you take your smartcard out of the reader, or sign out of Care Identity.',
    toDo: 'If you use a smartcard, put it back in the reader first. Then sign in again.',
    contact: `If you did not take your smartcard out or sign out, tell ${serviceDesk}.`,
  },
  replaced: {
    heading: 'You were signed out because of a newer sign-in',
    happened:
      'Your Care Identity was used to sign in again, here or on another device, or your role was changed there.',
    toDo: 'If that was you, go on there. To go on here, sign in again: that may sign you out there.',
    contact: `If it was not you, tell ${serviceDesk} straight away. Somebody else may be using your Care Identity.`,
  },
  revoked: {
    heading: 'Your session was ended for you',
    happened: 'You signed this device out from another one, or somebody who looks after this service did.',
    toDo: 'If you know why, sign in again.',
    contact: `If you do not know why, contact ${serviceDesk} before you sign in again.`,
  },
};

const noLongerSignedIn: Ending = {
  heading: 'You are no longer signed in',
  happened: `Your session has ended. ${unsaved}`,
  toDo: 'Sign in again to go on.',
  contact: `If it happens again, contact ${serviceDesk}.`,
};

/** @param reason - `null` when the browser no longer holds what would tell it */
export const endingOf = (reason: EndReason | null): Ending =>
  reason === null ? noLongerSignedIn : endings[reason];
