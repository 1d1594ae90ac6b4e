/** The texts of the pages of `cis2-bff/client/pages`. */
import { contacts } from './error-pages.ts';
import {
  changeText,
  endText,
  failureText,
  methodNames,
  organisationName,
  personName,
  roleInWords,
  roleMatches,
  roleName,
  signInErrorText,
  timeOfDay,
} from './session.ts';

/** Every text of the pages. What takes the place of one gets the same arguments. */
export const pageTexts = {
  personName,
  roleName,
  organisationName,
  roleInWords,
  roleMatches,
  methodNames,
  timeOfDay,
  failureText,
  signInErrorText,
  endText,
  changeText,

  // On several pages
  checkingTitle: 'Checking',
  checking: 'Checking whether you are signed in…',
  endsSoonTitle: 'You will be signed out soon',
  success: 'Success',
  important: 'Important',
  information: 'Information:',
  hideMessage: 'Hide this message',
  helpHeading: 'If you need help',
  giveReference: 'Give this reference. It helps them find out what happened.',
  copyReference: 'Copy reference',
  copied: 'Copied',
  notCopied: 'Select the reference and copy it, or write it down',
  tryAgain: 'Try again',
  goHome: 'Go to the home page',
  signIn: 'Sign in with my Care Identity',
  comeBack: 'After you sign in you will come back to the page that you asked for.',
  confirmIdentity: 'Confirm it is you',
  signOut: 'Sign out',
  notSignedOut: 'You are still signed in',

  // Nobody is signed in
  signInHeading: (service: string) => `Sign in to ${service}`,
  cookiesOff: 'Your browser does not keep the cookies of this service.',
  allowCookies:
    'You cannot sign in until it does. Allow cookies for this site in your browser’s settings, then load the page again.',
  whatYouNeed: 'You need a Care Identity, and a smartcard, a security key, a passkey or the app on an iPad.',
  cannotSignIn: 'I cannot sign in',
  ifLocked: 'If your smartcard is locked:',
  unlockInSentence: 'unlock your smartcard at Care Identity',
  ifLost: 'If it is lost or out of date, contact your organisation’s Registration Authority (RA) team.',
  signedOutHeading: 'You have signed out',
  signedOut: (service: string) => `You are signed out of ${service} in this browser.`,
  maybeSignedIn: 'You may still be signed in to Care Identity.',
  closeOthers:
    'Other services may still be open. If you use a smartcard, take it out of the reader before you leave this computer.',

  // A problem
  whatToDo: 'What to do now',
  unlock: 'Unlock your smartcard at Care Identity',
  stillSignedInAs: (person: string) => `You are still signed in as ${person} from before.`,
  goBack: 'Go back to the service',
  unavailableHeading: 'We cannot tell whether you are signed in',
  nothingShown: 'Nothing is shown until we know who you are. We try again by ourselves.',
  unavailableHelp: contacts.desk,
  notFoundHeading: 'Page not found',
  checkAddress: 'If you typed or pasted the web address, check that it is right and complete.',
  notFoundHelp: contacts.link,

  // The role
  signedInAs: (person: string) => `Signed in as ${person}`,
  chooseRoleHeading: 'Choose the role you are working in',
  changeRoleHeading: 'Change your role',
  oneRoleHeading: 'You have one role',
  noRoleHeading: 'Your Care Identity has no role',
  roleHelp: contacts.registration,
  findRole: 'Find a role',
  findRoleHint: 'Type part of a role or an organisation, or a code',
  noRoleMatches: 'No role matches. Try part of a role’s or an organisation’s name or code.',
  rolesMatch: (matching: number, all: number) => `${String(matching)} of ${String(all)} roles match`,
  roleHint: 'Your role decides what you can see and do, and is recorded with it.',
  roleMissing: 'Choose the role you want to work in',
  roleRefused: 'This service does not accept this role',
  continue: 'Continue',
  changeRole: 'Change role',
  roleChanged: (role: string) => `You now work as ${role}.`,
  roleNotChanged: 'Your role was not changed',
  role: 'Role',
  organisation: 'Organisation',
  withoutRole:
    'You are signed in, but nothing that depends on a role can be used. Ask your organisation’s Registration Authority (RA) team to add the role you need.',
  someRefused:
    'This service accepts only roles with the job role, activity or organisation that it asks for.',
  roleElsewhere:
    'Is the role that you need not here? You can choose it at Care Identity, where you sign in again.',
  changeRoleElsewhere: 'Change role at Care Identity',

  // Where a person is signed in
  sessionsHeading: 'Where you are signed in',
  sessionsHelp:
    'If there is a sign-in here that is not yours, sign it out and contact your IT service desk straight away.',
  findingSessions: 'Finding out where you are signed in…',
  hereOnly: 'You are signed in on this device only.',
  confirmFirst: 'To sign out another device, confirm first that it is you.',
  thisDevice: 'This device',
  unknownDevice: 'Unknown device',
  signedInAt: 'Signed in at',
  lastActiveAt: 'Last active at',
  /** Follows `signOut`, for screen readers. */
  ofSession: (device: string, time: string) => `of ${device}, signed in at ${time}`,
  signOutElsewhere: 'Sign out everywhere else',
  notAllSignedOut: 'Not everything was signed out',
  signedOutThere: (device: string, time: string) =>
    `Signed out there. The sign-in at ${time} (${device}) has ended.`,
  signedOutElsewhere: (count: number, devices: string) =>
    `Signed out everywhere else. ${String(count)} sign-ins were ended: ${devices}.`,
  notSignedInElsewhere: 'You were no longer signed in elsewhere.',
  thisSession: 'Your session on this device',
  endsAt: 'Ends at',
  /** These two follow the time of the end. */
  forInactivity: 'for inactivity',
  atTheLimit: 'at the limit for one sign-in',
  endsAtTheLatest: 'Ends at the latest',
  signedInWith: 'Signed in with',
  authenticationLevel: 'Authentication level',
  identityLevel: 'Identity level',
  level: (level: number) => `Level ${String(level)} of 3`,
  userId: 'User ID',
  stay: 'Stay signed in',
  extended: (time: string) => `Your session now ends at ${time}.`,
  notExtended: 'Your session was not extended',

  // The question about other sessions
  othersHeading: 'You are also signed in elsewhere',
  othersHelp: 'If you did not sign in anywhere else, sign out there and contact your IT service desk.',
  others: (count: number) =>
    `When you signed in here, you were signed in in ${count === 1 ? 'one other place' : 'other places'} as well. That can be another browser on this computer, or a computer that you have left. If somebody else can get to it, sign out there.`,
  signOutThere: 'Sign out there',
  keepOthers: (count: number): string => (count === 1 ? 'Keep both' : 'Keep them all'),
  maybeElsewhere: 'You may still be signed in elsewhere',
  seeSessions: 'See where you are signed in',
};

/** The texts of the pages, in another language or in an app's own words. */
export type PageTexts = Readonly<typeof pageTexts>;
