/** Times, levels and codes as people say them. */

import type { ActiveSession, ListedSession, Role } from './bff.ts';

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
const day = new Intl.DateTimeFormat('en-GB', { weekday: 'long', day: 'numeric', month: 'long' });

/** `10:15`, or `10:15 on Friday 2 January` when that is not today. Local time. */
export function timeOfDay(date: Date): string {
  const today = date.toDateString() === new Date().toDateString();
  return today ? clock.format(date) : `${clock.format(date)} on ${day.format(date)}`;
}

const count = (number: number, unit: string): string => `${String(number)} ${unit}${number === 1 ? '' : 's'}`;

/** A length of time to the second: `1 minute 5 seconds`. */
export function exactDuration(milliseconds: number): string {
  const seconds = Math.max(0, Math.ceil(milliseconds / 1_000));
  const minutes = Math.floor(seconds / 60);
  const rest = seconds % 60;
  if (minutes === 0) return count(rest, 'second');
  return rest === 0 ? count(minutes, 'minute') : `${count(minutes, 'minute')} ${count(rest, 'second')}`;
}

/** A length of time as a person would say it: hours and minutes, seconds only in the last minute. */
export function roughDuration(milliseconds: number): string {
  if (milliseconds < 60_000) return exactDuration(milliseconds);
  const minutes = Math.round(milliseconds / 60_000);
  const hours = Math.floor(minutes / 60);
  const rest = minutes % 60;
  if (hours === 0) return count(rest, 'minute');
  return rest === 0 ? count(hours, 'hour') : `${count(hours, 'hour')} ${count(rest, 'minute')}`;
}

/** The limit of one sign-in: `12‑hour limit` (with a hyphen that does not break), or just `time limit` where it is not a matter of hours. */
export function absoluteLimit(session: ActiveSession): string {
  const length = session.expires.absoluteAt.getTime() - session.assurance.authenticatedAt.getTime();
  const hours = Math.round(length / 3_600_000);
  return hours >= 1 ? `${String(hours)}\u2011hour limit` : 'time limit';
}

const methodNames: Readonly<Record<string, string>> = {
  SMARTCARD: 'Smartcard',
  N3_SMARTCARD: 'Smartcard (Identity Agent)',
  CIS2_SMARTCARD: 'Smartcard (Smartcard Connect)',
  FIDO2: 'Security key, passkey or Windows Hello',
  IOS: 'Care Identity app on an iPad',
  TOTP: 'Password and a code from an authenticator app',
  NHSMAIL: 'NHSmail',
  USERPASS: 'User name and password',
};

/** How somebody proved who they are. A code that is not known is shown as it is rather than guessed at. */
export const methods = (codes: readonly string[]): string =>
  codes.length === 0 ? 'Not stated' : codes.map((code) => methodNames[code] ?? code).join(', ');

export const fullName = ({ title, name }: ActiveSession['user']): string =>
  title === '' ? name : `${title} ${name}`;

const organisation = (role: Role): string => role.orgName || `Organisation ${role.orgCode}`;
const roleName = (role: Role): string => role.roleName || `Role ${role.jobRoleCode}`;

/** `R8001` of a role whose name does not say it: the code, or nothing where the name has it at its end. */
const unsaidCode = (name: string, code: string): string => (name.endsWith(code) ? '' : code);

export interface NameAndCode {
  readonly name: string;
  /** Empty where there is none, or the name says it itself. */
  readonly code: string;
}

export function roleAndCode(role: Role): NameAndCode {
  const name = roleName(role);
  return { name, code: unsaidCode(name, role.jobRoleCode) };
}

export function organisationAndCode(role: Role): NameAndCode {
  const name = organisation(role);
  return { name, code: unsaidCode(name, role.orgCode) };
}

/** `Nurse Access Role at EXAMPLE TRUST`. */
export const roleInWords = (role: Role): string => `${roleName(role)} at ${organisation(role)}`;

/** `Safari on iPad, signed in at 10:15`. */
export const placeInWords = ({ device, signedInAt }: ListedSession): string =>
  `${device || 'Unknown device'}, signed in at ${timeOfDay(signedInAt)}`;

/** That these sessions of the person's have ended. */
export function endedElsewhere(ended: readonly ListedSession[]): string {
  const [only] = ended;
  if (only === undefined) return 'You were no longer signed in elsewhere.';
  if (ended.length === 1) {
    return `Signed out there. The sign-in at ${timeOfDay(only.signedInAt)} (${only.device || 'unknown device'}) has ended.`;
  }
  const devices = [...new Set(ended.map(({ device }) => device || 'Unknown device'))].join(', ');
  return `Signed out everywhere else. ${String(ended.length)} sign-ins were ended: ${devices}.`;
}
