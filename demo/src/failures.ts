/** What to tell a person when a call to the backend failed. */

import type { BffError } from './bff.ts';

const texts: Readonly<Record<string, string>> = {
  session_changed:
    'This browser now has another session, and this page shows that one. Nothing was changed. Check whose session it ' +
    'is before you go on.',
  unreachable: 'The service could not be reached. Check your network connection, then try again.',
  rate_limited: 'There were too many requests. Wait a minute, then try again.',
  store_unavailable: 'The service is not available at the moment. Wait a minute, then try again.',
  unavailable: 'The service is not available at the moment. Wait a minute, then try again.',
};

/** A sentence for the person, with the reference where there is one. */
export function failureText(failure: BffError): string {
  const text = texts[failure.code] ?? 'Something went wrong in this service. Try again.';
  // That another session is there is no fault: there is nothing to look up.
  const isFault = failure.code !== 'session_changed' && failure.reference !== null;
  return isFault ? `${text} If it happens again, give this reference: ${failure.reference}.` : text;
}
