/** What both engines can do, and what is built on it. Nothing here knows which engine it is. */
import { setTimeout as sleep } from 'node:timers/promises';

/** Input as WebDriver describes it, the same in both protocols. */
type InputActions = readonly object[];

/** One window, always visible: a hidden one does not ask who is signed in. */
export interface Tab {
  goto(url: string): Promise<void>;
  /** Through the history: -1 is back, 1 is forward. */
  travel(steps: -1 | 1): Promise<void>;
  /** @throws Error when the page goes away meanwhile, or the expression throws */
  evaluate<T>(expression: string): Promise<T>;
  perform(actions: InputActions): Promise<void>;
}

/** Cookies and storage of their own. */
export interface Profile {
  tab(): Promise<Tab>;
  clearCookies(): Promise<void>;
  /** Console errors, uncaught errors and violations of the content security policy. */
  complaints(): Promise<string[]>;
  close(): Promise<void>;
}

export interface Engine {
  readonly name: string;
  readonly version: string;
  profile(): Promise<Profile>;
  close(): Promise<void>;
}

const maxWaitMs = 15_000;

/**
 * Waits until an expression is true in the page, across navigations.
 *
 * @throws Error that says what was waited for, and what stood on the page
 */
export async function until(tab: Tab, expression: string, what = expression, maxMs = maxWaitMs) {
  const deadline = Date.now() + maxMs;
  for (;;) {
    if (await tab.evaluate<boolean>(`Boolean(${expression})`).catch(() => false)) return;
    if (Date.now() > deadline) {
      const page = await tab
        .evaluate<string>('location.href + "\\n" + document.body.innerText.slice(0, 600)')
        .catch(String);
      throw new Error(`waited ${String(maxMs / 1000)} s for: ${what}\n${page}`);
    }
    await sleep(50);
  }
}

/** Elements by selector, in shadow trees too, which are visible and have this text as label, content or description. */
const found = (selector: string, text: string): string => `(() => {
  const all = (root) => [...root.querySelectorAll('*')].flatMap((element) =>
    [element, ...(element.shadowRoot ? all(element.shadowRoot) : [])]);
  const named = (element) => [element.getAttribute('aria-label'), element.innerText,
    ...[...(element.labels ?? [])].map((label) => label.innerText),
    document.getElementById(element.getAttribute('aria-describedby'))?.innerText].some((name) => name?.includes(${JSON.stringify(text)}));
  return all(document).find((element) =>
    element.matches(${JSON.stringify(selector)}) && element.getClientRects().length > 0 && named(element));
})()`;

/** Waits for the main heading. */
export const heading = (tab: Tab, text: string, maxMs?: number): Promise<void> =>
  until(tab, found('h1', text), `the heading "${text}"`, maxMs);
/** Title and visible text; of the next page, where this one is about to go. */
export async function textOf(tab: Tab): Promise<string> {
  await until(tab, 'document.body');
  return tab.evaluate<string>('document.title + "\\n" + (document.body?.innerText ?? "")');
}

/** Clicks with the pointer what has this text. */
export async function click(tab: Tab, selector: string, text: string): Promise<void> {
  const element = found(selector, text);
  // Before its styles are there the page would move under the pointer.
  await until(tab, `document.readyState === 'complete' && ${element}`, `${selector} "${text}"`);
  const at = await tab.evaluate<{ x: number; y: number }>(`(() => {
    const element = ${element};
    element.scrollIntoView({ block: 'center', behavior: 'instant' });
    const { left, top, width, height } = element.getBoundingClientRect();
    return { x: Math.round(left + Math.min(width / 2, 60)), y: Math.round(top + height / 2) };
  })()`);
  const actions = [
    { type: 'pointerMove', ...at },
    { type: 'pointerDown', button: 0 },
    { type: 'pointerUp', button: 0 },
  ];
  await tab.perform([{ type: 'pointer', id: 'mouse', actions }]);
}

/** Types into whatever has the focus. */
export const type = (tab: Tab, keys: string): Promise<void> =>
  tab.perform([
    {
      type: 'key',
      id: 'keyboard',
      actions: Array.from(keys, (value) => [
        { type: 'keyDown', value },
        { type: 'keyUp', value },
      ]).flat(),
    },
  ]);
/** As WebDriver writes it. */
export const escape = '\uE00C';
