/** The warning that the session is about to end. */

import { BffError, serverNow } from './bff.ts';
import type { ActiveSession } from './bff.ts';
import { button, h } from './dom.ts';
import { failureText } from './failures.ts';
import type { State } from './session-watch.ts';
import { absoluteLimit, exactDuration, timeOfDay } from './wording.ts';

/** Seconds before the end at which a screen reader is told; a countdown read out every second would drown all else. */
const announcements = [60, 30, 10];

/**
 * Makes the dialog.
 *
 * @param actions - what its two buttons do; the Escape key does the same as staying
 * @returns what to call with every state and every second
 */
export function warningDialog(actions: {
  readonly extend: () => Promise<void>;
  readonly signOut: () => Promise<void>;
}): (state: State) => void {
  const countdown = h('strong', { class: 'app-dialog__countdown' });
  const explanation = h('p', { id: 'warning-text' });
  const failure = h('p', { class: 'nhsuk-error-message app-dialog__failure', role: 'alert' });
  const announcement = h('p', { class: 'nhsuk-u-visually-hidden', role: 'status' });
  const stay = button('Stay signed in', '', () => void onStay());
  const leave = button('Sign out', 'nhsuk-button--secondary', () => void run(actions.signOut));

  const dialog = h(
    'dialog',
    {
      class: 'app-dialog',
      id: 'session-warning',
      role: 'alertdialog',
      'aria-modal': 'true',
      'aria-labelledby': 'warning-title',
      'aria-describedby': 'warning-text',
    },
    h('h2', { class: 'nhsuk-heading-l', id: 'warning-title' }, 'You will be signed out soon'),
    // The seconds are for the eyes; ears get the time in the text and the few announcements.
    h('p', { class: 'nhsuk-lede-text', 'aria-hidden': 'true' }, 'You will be signed out in ', countdown, '.'),
    explanation,
    failure,
    announcement,
    h('div', { class: 'nhsuk-button-group' }, stay, leave),
  );
  document.body.append(dialog);

  let shown: ActiveSession | null = null;
  /** The end, in milliseconds since the epoch, that the person has been told cannot be moved, and has waved away. */
  let accepted = 0;
  let announced = Infinity;

  const run = async (action: () => Promise<void>): Promise<void> => {
    failure.textContent = '';
    stay.disabled = leave.disabled = true;
    try {
      await action();
    } catch (error) {
      if (!(error instanceof BffError)) throw error;
      failure.textContent = failureText(error);
    } finally {
      stay.disabled = leave.disabled = false;
      if (dialog.open) stay.focus();
    }
  };

  const onStay = async (): Promise<void> => {
    if (shown?.expires.bindingLimit === 'absolute') {
      accepted = shown.expires.at.getTime();
      dialog.close();
    } else {
      await run(actions.extend);
    }
  };

  dialog.addEventListener('cancel', (event) => {
    event.preventDefault();
    void onStay();
  });

  const close = (): void => {
    shown = null;
    failure.textContent = announcement.textContent = '';
    if (dialog.open) dialog.close();
  };

  return (state) => {
    const session = state.kind === 'active' && state.endsSoon ? state.session : null;
    if (session === null || session.expires.at.getTime() === accepted) {
      close();
      return;
    }
    const left = session.expires.at.getTime() - serverNow(session);
    countdown.textContent = exactDuration(left);

    const sameEnd = shown?.expires.at.getTime() === session.expires.at.getTime();
    shown = session;
    if (!sameEnd) {
      announced = Infinity;
      const end = timeOfDay(session.expires.at);
      const absolute = session.expires.bindingLimit === 'absolute';
      explanation.textContent = absolute
        ? `One sign-in has a ${absoluteLimit(session)}, and it ends at ${end}. It cannot be extended. ` +
          'Finish what you are doing, then sign in again.'
        : `You have not used this service for a while. To protect patients’ information, your session ends at ${end}.`;
      stay.textContent = absolute ? 'Continue until then' : 'Stay signed in';
    }
    // Escape pressed twice closes a dialog whatever the page says: as long as the warning stands, it comes back.
    if (!dialog.open) dialog.showModal();

    const due = announcements.filter((seconds) => left <= seconds * 1_000).at(-1);
    if (due !== undefined && due < announced) {
      announced = due;
      announcement.textContent = `You will be signed out in ${exactDuration(due * 1_000)}.`;
    }
  };
}
