/** Times, roles, patients and failures in words. */
import type { ActiveState, BffError, ListedSession, Role } from '../../client/index.ts';
import texts from './texts.json';

/** The entry of a table for a code that anybody can have written; its `unknown` for one that is not there. */
export const entryOf = <Entry>(
  table: Readonly<Record<string, Entry>> & { readonly unknown: Entry },
  code: string | null,
): Entry => (code !== null && Object.hasOwn(table, code) ? table[code] : undefined) ?? table.unknown;

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
const day = new Intl.DateTimeFormat('en-GB', { weekday: 'long', day: 'numeric', month: 'long' });
const date = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeZone: 'UTC' });

/** `10:15`, or `10:15 on Friday 2 January` when that is not today. Local time. */
export const timeOfDay = (time: Date): string =>
  time.toDateString() === new Date().toDateString()
    ? clock.format(time)
    : `${clock.format(time)} on ${day.format(time)}`;

/** `4 March 1979` of `1979-03-04`. */
export const dateInWords = (iso: string): string => date.format(new Date(iso));

/** The person has proved who they are in the last five minutes, by the server's clock. */
export const signedInLately = ({ assurance, expires, remainingSeconds }: ActiveState): boolean =>
  +expires.at - remainingSeconds() * 1_000 - +assurance.authenticatedAt < 300_000;

const methodNames: Readonly<Record<string, string>> = {
  SMARTCARD: 'Smartcard',
  N3_SMARTCARD: 'Smartcard (Identity Agent)',
  CIS2_SMARTCARD: 'Smartcard (Smartcard Connect)',
  FIDO2: 'Security key, passkey or Windows Hello',
  IOS: 'Care Identity app on an iPad',
  TOTP: 'Password and a code from an authenticator app',
};
export const methods = (codes: readonly string[]): string =>
  codes.map((code) => methodNames[code] ?? code).join(', ') || 'Not stated';

export const fullName = ({ title, name }: ActiveState['user']): string => (title ? `${title} ${name}` : name);

const withCode = (name: string, code: string | null): string =>
  code && !name.endsWith(code) ? `${name} (${code})` : name;
const roleName = (role: Role): string => role.roleName ?? `Role ${role.jobRoleCode ?? role.roleCode}`;
const organisationName = (role: Role): string =>
  role.orgName ?? `Organisation ${role.orgCode ?? 'not stated'}`;
export const roleAndCode = (role: Role): string => withCode(roleName(role), role.jobRoleCode);
export const organisationAndCode = (role: Role): string => withCode(organisationName(role), role.orgCode);
export const roleInWords = (role: Role): string => `${roleName(role)} at ${organisationName(role)}`;

/** `Safari on iPad, signed in at 10:15`. */
export const placeInWords = ({ device, signedInAt }: ListedSession): string =>
  `${device || 'Unknown device'}, signed in at ${timeOfDay(signedInAt)}`;

/** That these sessions of the person's have ended. */
export function endedElsewhere(ended: readonly ListedSession[]): string {
  const [only] = ended;
  if (only === undefined) return 'You were no longer signed in elsewhere.';
  const device = (session: ListedSession) => session.device || 'unknown device';
  if (ended.length === 1)
    return `Signed out there. The sign-in at ${timeOfDay(only.signedInAt)} (${device(only)}) has ended.`;
  const devices = [...new Set(ended.map(device))].join(', ');
  return `Signed out everywhere else. ${ended.length} sign-ins were ended: ${devices}.`;
}

/** What happened, with the reference where there is something to look up. */
export function failureText({ code, status, reference }: BffError): string {
  const isConflict = code === 'upstream_refused' && (status === 409 || status === 412);
  const text = entryOf(texts.failures, isConflict ? 'conflict' : code);
  return reference === null || code.startsWith('session_')
    ? text
    : `${text} If it happens again, give this reference: ${reference}.`;
}

/** The reference in a text that anybody can have written: the backend's exact format, `7K3M-9QX2-HABW`, or none. */
export const referenceIn = (value: string | null): string | null =>
  value !== null && /^[0-9A-HJKMNP-TV-Z]{4}(?:-[0-9A-HJKMNP-TV-Z]{4}){2}$/.test(value) ? value : null;
