/** What to say of a session, its people and its problems. */
import type { BffError } from '../errors.ts';
import type { EndReason, Role, SessionDetails } from '../types.ts';
import { endings, signInErrors, type ProblemText } from './error-pages.ts';

/** `Dr Amara Okafor` */
export const personName = ({ title, name }: SessionDetails['user']): string =>
  title ? `${title} ${name}` : name;

const withCode = (name: string, code: string | null): string =>
  code && !name.endsWith(code) ? `${name} (${code})` : name;
const nameOf = ({ roleName: name, jobRoleCode, roleCode }: Role): string =>
  name ?? `Role ${jobRoleCode ?? roleCode}`;
const placeOf = ({ orgName, orgCode }: Role): string => orgName ?? `Organisation ${orgCode ?? 'not stated'}`;

/** `Clinical Practitioner Access Role (R8000)` */
export const roleName = (role: Role): string => withCode(nameOf(role), role.jobRoleCode);
/** `EXAMPLE HEALTH CENTRE (A9A5A)` */
export const organisationName = (role: Role): string => withCode(placeOf(role), role.orgCode);
/** `Clinical Practitioner Access Role at EXAMPLE HEALTH CENTRE` */
export const roleInWords = (role: Role): string => `${nameOf(role)} at ${placeOf(role)}`;

/** Whether every word of a search stands somewhere in the role's or its organisation's name or code. */
export function roleMatches(role: Role, search: string): boolean {
  const text = `${roleName(role)} ${organisationName(role)}`.toLowerCase();
  const words = search.toLowerCase().split(/\s+/);
  return words.every((word) => text.includes(word));
}

const methods: Readonly<Record<string, string>> = {
  SMARTCARD: 'Smartcard',
  N3_SMARTCARD: 'Smartcard (Identity Agent)',
  CIS2_SMARTCARD: 'Smartcard (Smartcard Connect)',
  FIDO2: 'Security key, passkey or Windows Hello',
  IOS: 'Care Identity app on an iPad',
  TOTP: 'Password and a code from an authenticator app',
};
/** How somebody signed in: `Smartcard (Identity Agent)` of `assurance.methods`. */
export const methodNames = (codes: readonly string[]): string =>
  codes.map((code) => methods[code] ?? code).join(', ') || 'Not stated';

/** `10:15`, or `10:15 on Friday 2 January` when that is not today. Local time. */
export function timeOfDay(time: Date): string {
  const clock = time.toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' });
  if (time.toDateString() === new Date().toDateString()) return clock;
  return `${clock} on ${time.toLocaleDateString('en-GB', { weekday: 'long', day: 'numeric', month: 'long' })}`;
}

const checkEntry = 'Check what you entered.';
const conflict = 'Somebody else has changed this record since you opened it. Load the page again.';
const tooMany = 'There were too many requests. Wait a minute, then try again.';
const unavailable = 'The service is not available at the moment. Wait a minute, then try again.';
const failures = {
  session_changed:
    'This browser now has another session, and this page shows that one. Nothing was changed. Check whose session it is before you go on.',
  role_not_permitted:
    'This service does not accept that role, or it is no longer one of yours. Your role was not changed.',
  session_required: 'You are no longer signed in, so nothing was changed.',
  session_ended: 'Your session has ended, so nothing was changed.',
  step_up_required: 'Confirm that it is you, then try again.',
  unreachable: 'The service could not be reached. Check your network connection, then try again.',
  invalid_request: checkEntry,
  not_found: `Nothing was found. ${checkEntry}`,
  rate_limited: tooMany,
  store_unavailable: unavailable,
  provider_unavailable: unavailable,
  upstream_timeout: 'Another NHS service took too long. Check what was done before you do it again.',
  unknown: 'Something went wrong in this service. Try again.',
};

/** Of an upstream's own response, by its status. */
const refusals: Readonly<Record<number, string>> = {
  400: checkEntry,
  403: 'You may not do this in your role.',
  404: failures.not_found,
  409: conflict,
  412: conflict,
  422: checkEntry,
  429: tooMany,
};

/** The entry of the first of these codes that has one: anybody can have written them. */
const entryOf = <Entry>(
  table: Readonly<Record<string, Entry>> & { readonly unknown: Entry },
  ...codes: readonly (string | null)[]
): Entry => {
  const known = codes.find((code) => code !== null && Object.hasOwn(table, code));
  return table[known ?? 'unknown'] ?? table.unknown;
};

/** What to say to whoever asked for what failed, with the reference where there is something to look up. */
export function failureText({ code, status, reference }: BffError): string {
  const refusal = code === 'upstream_refused' ? refusals[status] : undefined;
  const text = refusal ?? entryOf(failures, code);
  return reference === null || code.startsWith('session_')
    ? text
    : `${text} If it happens again, give this reference: ${reference}.`;
}

/** What the sign-in error page says of the code and the reason in its address. */
export const signInErrorText = (code: string | null, reason: string | null = null): ProblemText =>
  entryOf(signInErrors, code === 'role_required' ? reason : null, code);

/** What to say once a session has ended; `null` when nobody is signed in any more, and the reason is not known. */
export const endText = (reason: EndReason | null): ProblemText => entryOf(endings, reason);

/** What to say when a page's session has become another one, and not by anything done in it. */
export interface ChangeText {
  /** Only when the session is another person's. */
  readonly heading?: string;
  readonly text: string;
}
export function changeText(before: SessionDetails, { user, role }: SessionDetails): ChangeText {
  if (before.user.uid !== user.uid) {
    const text = `This page now shows the session of ${personName(user)}. Check that it is yours before you go on.`;
    return { heading: 'The session in this browser has changed', text };
  }
  if (before.role?.roleId === role?.roleId)
    return { text: 'You signed in again in another tab. This page goes on with that sign-in.' };
  const now = role === null ? 'No role is chosen now.' : `You now work as ${roleInWords(role)}.`;
  return { text: `Your role was changed in another tab. ${now}` };
}
