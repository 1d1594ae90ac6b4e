/** The page "Where you are signed in". */

import { BffError, signedInLately } from '../bff.ts';
import type { ActiveSession, ListedSession } from '../bff.ts';
import { button, h, inset, pageHeading, paragraphs, readingColumn, summaryList } from '../dom.ts';
import { failureText } from '../failures.ts';
import { helpSection, serviceDesk } from '../help.ts';
import { signInLink } from '../sign-in.ts';
import { placeInWords, timeOfDay } from '../wording.ts';
import type { View } from './view.ts';

export const sessionsPath = '/sessions';

export interface SessionsActions {
  readonly list: () => Promise<readonly ListedSession[]>;
  /** Ends these; resolves when it is done and told, or has failed and that is told. */
  readonly end: (others: readonly ListedSession[]) => Promise<void>;
  readonly signOut: () => void;
}

const time = (instant: Date): HTMLElement =>
  h('time', { datetime: instant.toISOString() }, timeOfDay(instant));

/** @param action - the button of this session, if it has one */
const sessionCard = (session: ListedSession, action: HTMLElement | null): HTMLElement =>
  h(
    'li',
    { class: 'nhsuk-card app-card' },
    h(
      'div',
      { class: 'nhsuk-card__content app-last-margin-0' },
      h(
        'h2',
        { class: 'nhsuk-card__heading nhsuk-heading-m' },
        session.device || 'Unknown device',
        ...(session.current
          ? [' ', h('strong', { class: 'nhsuk-tag nhsuk-tag--green' }, 'This device')]
          : []),
      ),
      summaryList([
        ['Signed in at', time(session.signedInAt)],
        ['Last active at', time(session.lastActiveAt)],
      ]),
      action,
    ),
  );

/** What tells one "Sign out" button from another where the cards cannot be seen. */
const ofWhich = (session: ListedSession): HTMLElement =>
  h('span', { class: 'nhsuk-u-visually-hidden' }, ` of ${placeInWords(session)}`);

const confirmFirst = (): HTMLElement =>
  inset(
    h('p', {}, 'To sign out another device, confirm first that it is you.'),
    h(
      'p',
      {},
      signInLink(
        'Confirm it is you',
        { returnTo: sessionsPath, reauth: '1' },
        'nhsuk-button nhsuk-button--secondary app-button-in-text',
      ),
    ),
  );

export function signedInPlaces(session: ActiveSession, actions: SessionsActions): View {
  const place = h('div', {}, h('p', { role: 'status' }, 'Finding out where you are signed in…'));
  const isFresh = signedInLately(session);

  const end = (others: readonly ListedSession[], pressed: HTMLButtonElement): void => {
    pressed.disabled = true;
    void actions.end(others).then(load);
  };
  const endButton = (text: string, others: readonly ListedSession[], ...more: Node[]): HTMLElement => {
    const element = button(text, 'nhsuk-button--secondary', () => {
      end(others, element);
    });
    element.append(...more);
    return element;
  };

  const show = (sessions: readonly ListedSession[]): void => {
    const others = sessions.filter(({ current }) => !current);
    const action = (listed: ListedSession): HTMLElement | null => {
      if (!listed.current) return isFresh ? endButton('Sign out', [listed], ofWhich(listed)) : null;
      const element = button('Sign out', 'nhsuk-button--secondary', actions.signOut);
      element.append(ofWhich(listed));
      return element;
    };
    place.replaceChildren(
      ...(others.length === 0 ? paragraphs(['You are signed in on this device only.']) : []),
      ...(others.length > 0 && !isFresh ? [confirmFirst()] : []),
      h('ul', { class: 'app-plain-list' }, ...sessions.map((listed) => sessionCard(listed, action(listed)))),
      ...(others.length > 1 && isFresh ? [endButton('Sign out everywhere else', others)] : []),
    );
  };

  async function load(): Promise<void> {
    try {
      show(await actions.list());
    } catch (error) {
      if (!(error instanceof BffError)) throw error;
      place.replaceChildren(
        inset(h('p', { role: 'alert' }, failureText(error))),
        button('Try again', '', () => void load()),
      );
    }
  }
  void load();

  return {
    title: 'Where you are signed in',
    content: [
      readingColumn(
        pageHeading('Where you are signed in'),
        h(
          'p',
          { class: 'nhsuk-lede-text' },
          'These are the devices and browsers where your Care Identity is signed in to this service.',
        ),
        place,
        helpSection(
          `If there is a sign-in here that is not yours, sign it out and tell ${serviceDesk} straight away.`,
        ),
      ),
    ],
  };
}
