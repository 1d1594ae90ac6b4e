/** Whom to call, and what to tell them. */

import { button, h } from './dom.ts';
import type { Child } from './dom.ts';

export const registrationAuthority = 'your organisation’s Registration Authority (RA) team';
export const serviceDesk = 'your IT service desk';

/** Care Identity's own page for a smartcard or security key that no longer opens. */
export const unlockLink = (): HTMLAnchorElement =>
  h(
    'a',
    {
      href: 'https://manage-care-identities.care-identity-service2.nhs.uk/#/self-service/unlock-authenticator',
      rel: 'noreferrer',
    },
    'Unlock your smartcard at Care Identity',
  );

/** The reference, large enough to be read out, with a button that copies it. */
function referencePanel(reference: string): HTMLElement {
  const told = h('span', { class: 'app-copied', role: 'status' });
  const place = h('p', { class: 'app-reference', id: 'reference' }, reference);
  const copy = (): void => {
    navigator.clipboard.writeText(reference).then(
      () => {
        told.textContent = 'Copied';
      },
      () => {
        // The browser or its owner does not allow it: what is selected can be copied by hand.
        getSelection()?.selectAllChildren(place);
        told.textContent = 'Select “Copy” in your browser, or write it down';
      },
    );
  };
  return h(
    'div',
    { class: 'app-reference-panel app-last-margin-0' },
    h('p', {}, 'Give this reference. It helps them find out what happened.'),
    place,
    h(
      'p',
      {},
      button('Copy reference', 'nhsuk-button--secondary nhsuk-button--small app-button-in-text', copy),
      told,
    ),
  );
}

/**
 * Who helps when the page's button does not.
 *
 * @param contact - whom to call and when, as sentences
 * @param reference - finds the log entry; `null` when there is none to give
 */
export const helpSection = (contact: Child, reference: string | null = null): HTMLElement =>
  h(
    'section',
    { 'aria-labelledby': 'help' },
    h('h2', { class: 'nhsuk-heading-m', id: 'help' }, 'If you need help'),
    h('p', {}, contact),
    reference === null ? null : referencePanel(reference),
  );
