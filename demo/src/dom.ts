/** Building elements. Text always becomes a text node, so nothing that came from outside can become markup. */

export type Child = Node | string | null;

/**
 * Makes an element.
 *
 * @param tag - its name
 * @param attributes - attribute → value; no `style`, which the page's Content-Security-Policy refuses
 * @param children - nodes and texts in order; `null` is left out
 */
export function h<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Readonly<Record<string, string>> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** The element of `index.html` with this id. */
export function byId<Kind extends HTMLElement>(id: string, kind: new () => Kind): Kind {
  const element = document.getElementById(id);
  if (!(element instanceof kind)) throw new Error(`index.html has no ${kind.name} with the id ${id}`);
  return element;
}

export const button = (text: string, classes: string, onClick: () => void): HTMLButtonElement => {
  const element = h('button', { type: 'button', class: `nhsuk-button ${classes}`.trim() }, text);
  element.addEventListener('click', onClick);
  return element;
};

/** The main heading, which takes the focus when its page comes up. */
export const pageHeading = (text: string): HTMLElement =>
  h('h1', { class: 'nhsuk-heading-xl', tabindex: '-1' }, text);

export const sectionHeading = (text: string): HTMLElement => h('h2', { class: 'nhsuk-heading-m' }, text);

export const paragraphs = (texts: readonly string[]): HTMLElement[] => texts.map((text) => h('p', {}, text));

export const inset = (...children: readonly Child[]): HTMLElement =>
  h(
    'div',
    { class: 'nhsuk-inset-text' },
    h('span', { class: 'nhsuk-u-visually-hidden' }, 'Information: '),
    ...children,
  );

export const card = (heading: string, ...children: readonly Child[]): HTMLElement =>
  h(
    'section',
    { class: 'nhsuk-card app-card' },
    h(
      'div',
      { class: 'nhsuk-card__content app-last-margin-0' },
      h('h2', { class: 'nhsuk-card__heading nhsuk-heading-m' }, heading),
      ...children,
    ),
  );

/** Pairs of a name and a value. */
export const summaryList = (rows: readonly (readonly [string, Child])[]): HTMLElement =>
  h(
    'dl',
    { class: 'nhsuk-summary-list nhsuk-summary-list--no-last-row-border' },
    ...rows.map(([key, value]) =>
      h(
        'div',
        { class: 'nhsuk-summary-list__row' },
        h('dt', { class: 'nhsuk-summary-list__key' }, key),
        h('dd', { class: 'nhsuk-summary-list__value' }, value),
      ),
    ),
  );

export const numberedList = (items: readonly Child[]): HTMLElement =>
  h('ol', { class: 'nhsuk-list nhsuk-list--number' }, ...items.map((item) => h('li', {}, item)));

export const bulletList = (items: readonly Child[]): HTMLElement =>
  h('ul', { class: 'nhsuk-list nhsuk-list--bullet' }, ...items.map((item) => h('li', {}, item)));

export const details = (summary: string, ...children: readonly Child[]): HTMLElement =>
  h(
    'details',
    { class: 'nhsuk-details' },
    h(
      'summary',
      { class: 'nhsuk-details__summary' },
      h('span', { class: 'nhsuk-details__summary-text' }, summary),
    ),
    h('div', { class: 'nhsuk-details__text' }, ...children),
  );

/** The column that a page's text stands in. */
export const readingColumn = (...children: readonly Child[]): HTMLElement =>
  h('div', { class: 'nhsuk-grid-row' }, h('div', { class: 'nhsuk-grid-column-two-thirds' }, ...children));

/** A name with its code beside it, less prominent. */
export const nameAndCode = ({ name, code }: { readonly name: string; readonly code: string }): HTMLElement =>
  h('span', {}, name, ...(code === '' ? [] : [' ', h('span', { class: 'app-code' }, `(${code})`)]));
