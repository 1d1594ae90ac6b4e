/** What to tell a person when a call to the backend failed. */

import type { BffError } from './bff.ts';

const texts: Readonly<Record<string, string>> = {
  session_changed:
    'This browser now has another session, and this page shows that one. Nothing was changed. Check whose session it ' +
    'is before you go on.',
  role_not_permitted:
    'This service does not accept that role, or it is no longer one of yours. Your role was not changed. Choose another ' +
    'role, or ask your organisation’s Registration Authority (RA) team.',
  session_required: 'You are no longer signed in, so nothing was changed.',
  session_ended: 'Your session has ended, so nothing was changed.',
  csrf_rejected:
    'Your browser, or something between it and this service, changed what was sent. Nothing was changed. Load the page ' +
    'again.',
  refused:
    'Something between your browser and this service refused what was sent. Nothing was changed. Load the page again.',
  unreachable: 'The service could not be reached. Check your network connection, then try again.',
  rate_limited: 'There were too many requests. Wait a minute, then try again.',
  store_unavailable: 'The service is not available at the moment. Wait a minute, then try again.',
  unavailable: 'The service is not available at the moment. Wait a minute, then try again.',
};

const other = 'Something went wrong in this service. Try again.';

/** What happened, as a sentence for the person. */
export const failureMessage = ({ code }: BffError): string =>
  Object.hasOwn(texts, code) ? (texts[code] ?? other) : other;

/** The same with the reference, where there is one to give. */
export function failureText(failure: BffError): string {
  // What is no fault has nothing to look up.
  const isFault =
    !['session_changed', 'session_required', 'session_ended'].includes(failure.code) &&
    failure.reference !== null;
  return isFault
    ? `${failureMessage(failure)} If it happens again, give this reference: ${failure.reference}.`
    : failureMessage(failure);
}
