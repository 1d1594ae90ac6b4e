/** `cis2-bff/client/timeout-dialog`: the custom element `<bff-timeout-dialog>`, and what it is made of. */
import type { SessionClient } from '../types.ts';
import { watchTimeout, type TimeoutController, type TimeoutView } from './controller.ts';
import { styles } from './styles.ts';
import { english, type TimeoutTexts } from './texts.ts';

export { watchTimeout, type TimeoutController, type TimeoutView } from './controller.ts';
export { english, welsh, type TimeoutTexts } from './texts.ts';

const isBrowser = typeof HTMLElement === 'function';
/** There is none where a server renders the page. */
const Base: typeof HTMLElement = isBrowser ? HTMLElement : (Object as unknown as typeof HTMLElement);
/** Not in jsdom, in which apps run tests. */
const canBeModal = (dialog: HTMLDialogElement): boolean => 'showModal' in dialog;

interface Parts {
  readonly dialog: HTMLDialogElement;
  readonly title: HTMLElement;
  readonly countdown: HTMLElement;
  readonly text: HTMLElement;
  readonly reference: HTMLElement;
  readonly failure: HTMLElement;
  readonly announcement: HTMLElement;
  readonly stay: HTMLButtonElement;
  readonly signOut: HTMLButtonElement;
  readonly signIn: HTMLButtonElement;
}

function make<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Readonly<Record<string, string>> = {},
  ...children: readonly Node[]
): HTMLElementTagNameMap[Name] {
  const element = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) element.setAttribute(attribute, value);
  element.append(...children);
  return element;
}

/**
 * Warns before the session ends, and covers the page once it has. Everything behind is inert while it is open.
 *
 * Set `client`; put it anywhere in the page that is displayed.
 */
export class BffTimeoutDialog extends Base {
  #client: SessionClient | null = null;
  #texts = english;
  #controller: TimeoutController | undefined;
  #parts: Parts | undefined;
  #view: TimeoutView = { kind: 'none' };
  /** What had the focus before the dialog took it. */
  #before: Element | null = null;
  #announced = '';
  /** Escape, wherever the focus is. Left to the browser, the second one would close the dialog and show the page. */
  readonly #onKey = (event: KeyboardEvent): void => {
    if (event.key !== 'Escape') return;
    event.preventDefault();
    if (this.#view.kind === 'warning') void this.#controller?.stay();
  };

  /** The client whose session is watched. */
  get client(): SessionClient | null {
    return this.#client;
  }
  set client(client: SessionClient | null) {
    this.#client = client;
    this.#watch();
  }

  /** Texts that take the place of the English ones: all of another language, or some. */
  get texts(): TimeoutTexts {
    return this.#texts;
  }
  set texts(texts: Partial<TimeoutTexts>) {
    this.#texts = { ...english, ...texts };
    this.#render();
  }

  connectedCallback(): void {
    // What was set before the element was defined is a property of its own until then.
    for (const name of ['client', 'texts'] as const) {
      if (!Object.hasOwn(this, name)) continue;
      const value: unknown = this[name];
      Reflect.deleteProperty(this, name);
      Reflect.set(this, name, value);
    }
    this.#watch();
  }

  disconnectedCallback(): void {
    this.#watch();
  }

  #watch(): void {
    this.#controller?.stop();
    this.#controller = undefined;
    if (this.#client !== null && this.isConnected) {
      this.#controller = watchTimeout(this.#client, (view) => {
        this.#view = view;
        this.#render();
      });
    } else {
      this.#view = { kind: 'none' };
      this.#render();
    }
  }

  #make(): Parts {
    const parts: Parts = {
      dialog: make('dialog', { 'aria-labelledby': 'title', 'aria-describedby': 'text reference' }),
      title: make('h2', { id: 'title', tabindex: '-1' }),
      // The seconds are for the eyes. A screen reader announces the time of the end, and now and then how long is left.
      countdown: make('p', { class: 'countdown', 'aria-hidden': 'true' }),
      text: make('p', { id: 'text' }),
      reference: make('p', { id: 'reference' }),
      failure: make('p', { class: 'failure', role: 'alert' }),
      announcement: make('p', { class: 'announcement', role: 'status' }),
      stay: make('button', { type: 'button' }),
      signOut: make('button', { type: 'button', class: 'secondary' }),
      signIn: make('button', { type: 'button' }),
    };
    const { dialog, title, countdown, text, reference, failure, announcement, stay, signOut, signIn } = parts;
    dialog.append(title, countdown, text, reference, failure, announcement);
    dialog.append(make('div', { class: 'buttons' }, stay, signOut, signIn));
    stay.addEventListener('click', () => void this.#controller?.stay());
    signOut.addEventListener('click', () => void this.#controller?.signOut());
    signIn.addEventListener('click', () => void this.#controller?.signIn());
    dialog.addEventListener('cancel', (event) => {
      event.preventDefault();
      if (this.#view.kind === 'warning') void this.#controller?.stay();
    });
    // Where something else than a key closes it twice, whatever the page says.
    dialog.addEventListener('close', () => this.#render());

    const root = this.attachShadow({ mode: 'open' });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(styles);
    root.adoptedStyleSheets = [sheet];
    root.append(dialog);
    return parts;
  }

  #render(): void {
    const view = this.#view;
    if (view.kind === 'none') {
      this.#close();
      return;
    }
    this.#parts ??= this.#make();
    const { dialog, title, countdown, text, reference, failure, announcement, stay, signOut, signIn } =
      this.#parts;
    const texts = this.#texts;
    const isWarning = view.kind === 'warning';
    const write = (element: HTMLElement, content: string): void => {
      if (element.textContent !== content) element.textContent = content;
    };

    dialog.lang = texts.language;
    dialog.className = isWarning ? '' : 'cover';
    dialog.setAttribute('role', isWarning ? 'alertdialog' : 'dialog');
    stay.hidden = signOut.hidden = !isWarning;
    signIn.hidden = view.kind !== 'ended';
    write(stay, isWarning && view.limit === 'absolute' ? texts.continueUntilThen : texts.stay);
    write(signOut, texts.signOut);
    write(signIn, texts.signIn);

    if (view.kind === 'warning') {
      const at = new Intl.DateTimeFormat(texts.language, { hour: '2-digit', minute: '2-digit' }).format(
        view.endsAt,
      );
      write(title, texts.warningTitle);
      write(countdown, texts.countdown(texts.duration(view.secondsLeft)));
      write(text, view.limit === 'absolute' ? texts.absolute(at) : texts.idle(at));
      write(reference, '');
      write(failure, view.failure === null ? '' : failureText(texts, view.failure.reference));
      this.#announce(announcement, view.announcedSeconds, dialog.open);
      for (const button of [stay, signOut]) button.setAttribute('aria-disabled', String(view.isBusy));
    } else {
      const about = view.kind === 'checking' ? null : view.reference;
      write(title, view.kind === 'ended' ? texts.endedTitle : texts.checking);
      write(
        text,
        view.kind === 'ended'
          ? texts.ended[view.reason ?? 'unknown']
          : view.kind === 'unavailable'
            ? texts.unavailable
            : '',
      );
      write(reference, about === null ? '' : texts.reference(about));
      for (const part of [countdown, failure, announcement]) write(part, '');
    }
    this.#open(dialog, isWarning ? stay : view.kind === 'ended' ? signIn : title);
  }

  /** The first time needs no announcement: the dialog itself is read out as it opens. */
  #announce(announcement: HTMLElement, seconds: number, isOpen: boolean): void {
    const content = this.#texts.countdown(this.#texts.duration(seconds));
    if (content === this.#announced) return;
    this.#announced = content;
    announcement.textContent = isOpen ? content : '';
  }

  #open(dialog: HTMLDialogElement, first: HTMLElement): void {
    if (!this.isConnected) return;
    if (!dialog.open) {
      this.#before ??= deepActiveElement();
      window.addEventListener('keydown', this.#onKey, true);
      if (canBeModal(dialog)) dialog.showModal();
      else dialog.open = true;
      first.focus();
      return;
    }
    const focused = this.shadowRoot?.activeElement;
    // What had the focus is not there any more, or was the title for want of a button.
    if (!focused?.getClientRects().length || focused === this.#parts?.title) first.focus();
  }

  #close(): void {
    this.#announced = '';
    const before = this.#before;
    this.#before = null;
    if (this.#parts === undefined) return;
    window.removeEventListener('keydown', this.#onKey, true);
    const { dialog } = this.#parts;
    if (!dialog.open) return;
    if (canBeModal(dialog)) dialog.close();
    else dialog.open = false;
    if (before instanceof HTMLElement && before.isConnected) before.focus();
  }
}

const failureText = (texts: TimeoutTexts, reference: string | null): string =>
  reference === null ? texts.failed : `${texts.failed} ${texts.reference(reference)}`;

/** What has the focus, also inside of components. */
function deepActiveElement(): Element | null {
  let element = document.activeElement;
  while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
  return element;
}

if (isBrowser) {
  try {
    customElements.define('bff-timeout-dialog', BffTimeoutDialog);
  } catch {
    // Another copy of this library came first.
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'bff-timeout-dialog': BffTimeoutDialog;
  }
}
