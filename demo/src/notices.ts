/** What is told above the page. It stays until the person acts: presses a button, or goes to another page. */

import type { ActiveSession } from './bff.ts';
import { button, h } from './dom.ts';

export interface Notices {
  /**
   * Something that the person asked for has been done.
   *
   * @param isTrue - whether the text still holds for a session; without it, it always does
   */
  succeed(text: string, isTrue?: (session: ActiveSession) => boolean): void;
  /** Something has happened elsewhere. */
  inform(text: string): void;
  /** Something needs the person's attention now. */
  warn(heading: string, text: string): void;
  clear(): void;
  /** Takes away what no longer holds for this session. */
  check(session: ActiveSession): void;
}

/**
 * @param place - for what is read out when a screen reader has the time, a `status`
 * @param alertPlace - for what is read out at once, an `alert`
 * @param onHide - called when the person has hidden a notice, whose button had the focus
 */
export function noticesAt(place: HTMLElement, alertPlace: HTMLElement, onHide: () => void): Notices {
  let holds: (session: ActiveSession) => boolean = () => true;

  const clear = (): void => {
    holds = () => true;
    place.replaceChildren();
    alertPlace.replaceChildren();
  };

  const hideButton = (): HTMLElement =>
    button('Hide this message', 'nhsuk-button--secondary nhsuk-button--small app-notice__hide', () => {
      clear();
      onHide();
    });

  const banner = (title: string, classes: string, text: string): void => {
    clear();
    place.append(
      h(
        'div',
        { class: `nhsuk-notification-banner ${classes}`.trim() },
        h(
          'div',
          { class: 'nhsuk-notification-banner__header' },
          h('h2', { class: 'nhsuk-notification-banner__title' }, title),
        ),
        h(
          'div',
          { class: 'nhsuk-notification-banner__content' },
          h('p', { class: 'nhsuk-notification-banner__heading' }, text),
          hideButton(),
        ),
      ),
    );
  };

  return {
    succeed(text, isTrue = () => true) {
      banner('Success', 'nhsuk-notification-banner--success', text);
      holds = isTrue;
    },
    inform(text) {
      banner('Important', '', text);
    },
    warn(heading, text) {
      clear();
      alertPlace.append(
        h(
          'div',
          { class: 'nhsuk-error-summary' },
          h('h2', { class: 'nhsuk-error-summary__heading' }, heading),
          h('div', { class: 'nhsuk-error-summary__body' }, h('p', {}, text)),
          hideButton(),
        ),
      );
    },
    clear,
    check(session) {
      if (!holds(session)) clear();
    },
  };
}
