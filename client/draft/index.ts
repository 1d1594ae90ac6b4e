/** `cis2-bff/client/draft`: what was typed in a form outlives the end of a session, for the same person only. */
import { BffError } from '../errors.ts';
import { draftsKey } from '../core.ts';
import type { SessionClient } from '../types.ts';

export interface DraftOptions {
  /** Tells the forms of a page apart. @default the form's `id` or `name` */
  readonly name?: string;
}

export interface Draft {
  /** Settles when what was typed before is back in the form (`true`), or there was nothing to bring back. */
  readonly restored: Promise<boolean>;
  /** The work is saved, or given up. */
  readonly forget: () => void;
  /** Keeps nothing from now on; what is kept stays. For a form that leaves the page. */
  readonly stop: () => void;
}

type Values = Readonly<Record<string, readonly string[]>>;
type Field = HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement;

const excludedTypes = ['password', 'file', 'hidden', 'submit', 'button', 'image', 'reset'];
const isField = (element: Element): element is Field =>
  /^(INPUT|TEXTAREA|SELECT)$/.test(element.tagName) &&
  (element as Field).name !== '' &&
  !excludedTypes.includes((element as Field).type) &&
  !element.hasAttribute('data-no-draft');
const fieldsOf = (form: HTMLFormElement): Field[] => [...form.elements].filter(isField);
const isChoice = (field: Field): field is HTMLInputElement => ['checkbox', 'radio'].includes(field.type);

function valuesOf(form: HTMLFormElement): Values {
  const values: Record<string, string[]> = {};
  for (const field of fieldsOf(form)) {
    const list = (values[field.name] ??= []);
    if (isChoice(field)) {
      if (field.checked) list.push(field.value);
    } else if (field instanceof HTMLSelectElement)
      list.push(...Array.from(field.selectedOptions, ({ value }) => value));
    else list.push(field.value);
  }
  return values;
}

/** As if the person had typed it: frameworks hear of it. */
function write(field: Field, value: string): void {
  // React puts a setter of its own on the element, and would not notice.
  const prototype = Object.getPrototypeOf(field) as object;
  Object.getOwnPropertyDescriptor(prototype, 'value')?.set?.call(field, value);
  for (const type of ['input', 'change']) field.dispatchEvent(new Event(type, { bubbles: true }));
}

function fill(form: HTMLFormElement, values: Values): void {
  const places = new Map<string, number>();
  for (const field of fieldsOf(form)) {
    const kept = values[field.name];
    if (!Array.isArray(kept)) continue;
    if (isChoice(field)) {
      const isWanted = kept.includes(field.value);
      // A radio button goes out when another one is clicked.
      if (field.checked !== isWanted && (isWanted || field.type === 'checkbox')) field.click();
    } else if (field instanceof HTMLSelectElement) {
      for (const option of field.options) option.selected = kept.includes(option.value);
      field.dispatchEvent(new Event('change', { bubbles: true }));
    } else {
      const place = places.get(field.name) ?? 0;
      places.set(field.name, place + 1);
      const value: unknown = kept[place];
      if (typeof value === 'string') write(field, value);
    }
  }
}

type Stored = Record<string, string>;
/** All drafts of this tab, sealed, in one item: the client removes it at a sign-out. */
function edit(change: (all: Stored) => void): void {
  try {
    const all = JSON.parse(sessionStorage.getItem(draftsKey) ?? '{}') as Stored;
    change(all);
    if (Object.keys(all).length === 0) sessionStorage.removeItem(draftsKey);
    else sessionStorage.setItem(draftsKey, JSON.stringify(all));
  } catch {
    // No storage, or a full one: what was typed stays in the form alone.
  }
}

const toText = (bytes: Uint8Array): string =>
  btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
const toBytes = (text: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (char) => char.charCodeAt(0));
const nonceBytes = 12;

/** @throws BffError when there is no session, or the BFF cannot be reached */
async function readKey(client: SessionClient): Promise<CryptoKey> {
  const response = await client.fetch('/auth/session/draft-key', { background: true, cache: 'no-store' });
  const { key } = (await response.json()) as { readonly key: string };
  return crypto.subtle.importKey('raw', toBytes(key), 'AES-GCM', false, ['encrypt', 'decrypt']);
}

/**
 * Keeps what is typed in a form, and brings it back when the same person is signed in again in this tab.
 *
 * It lies in the tab's `sessionStorage`, encrypted (AES-256-GCM) under a key that only a session of the same person can
 * have. It is gone when the person signs out, when somebody else signs in, and when the tab is closed. Passwords, files,
 * hidden fields and fields with `data-no-draft` are not kept.
 *
 * @param form - its fields need a `name`
 */
export function keepDraft(client: SessionClient, form: HTMLFormElement, options: DraftOptions = {}): Draft {
  const name = `${location.pathname}#${options.name ?? (form.id || form.name)}`;
  const context = new TextEncoder().encode(name);
  const stopped = new AbortController();
  let key: Promise<CryptoKey> | undefined;
  let owner = '';
  let writing = false;
  let isDue = false;

  const forget = (): void => {
    isDue = false;
    edit((all) => Reflect.deleteProperty(all, name));
  };

  /** The key of whoever is signed in; asked for again where it could not be had. */
  const open = (): Promise<CryptoKey> | undefined => {
    if (client.session.get().status !== 'active') return undefined;
    const mine = (key = readKey(client));
    mine.catch(() => {
      if (key === mine) key = undefined;
    });
    return mine;
  };

  const store = async (): Promise<void> => {
    const usedKey = key ?? open();
    if (writing || usedKey === undefined) return;
    writing = true;
    try {
      while (isDue) {
        isDue = false;
        const iv = crypto.getRandomValues(new Uint8Array(nonceBytes));
        const plain = new TextEncoder().encode(JSON.stringify(valuesOf(form)));
        const algorithm = { name: 'AES-GCM', iv, additionalData: context };
        const sealed = new Uint8Array(await crypto.subtle.encrypt(algorithm, await usedKey, plain));
        // A sign-out, or another person, came while it was encrypted.
        if (key !== usedKey) return;
        edit((all) => {
          all[name] = toText(new Uint8Array([...iv, ...sealed]));
        });
      }
    } catch {
      // Without a key nothing is kept.
    } finally {
      writing = false;
    }
  };
  const onInput = (): void => {
    isDue = true;
    void store();
  };

  const restore = async (usedKey: Promise<CryptoKey>): Promise<boolean> => {
    let text = '';
    edit((all) => {
      text = typeof all[name] === 'string' ? all[name] : '';
    });
    if (text === '') return false;
    try {
      const bytes = toBytes(text);
      const algorithm = { name: 'AES-GCM', iv: bytes.subarray(0, nonceBytes), additionalData: context };
      const plain = await crypto.subtle.decrypt(algorithm, await usedKey, bytes.subarray(nonceBytes));
      if (key !== usedKey || stopped.signal.aborted) return false;
      fill(form, JSON.parse(new TextDecoder().decode(plain)) as Values);
      return true;
    } catch (error) {
      // It opens for nobody but whoever wrote it.
      if (!(error instanceof BffError)) forget();
      return false;
    }
  };

  let settle: (isRestored: boolean) => void = () => undefined;
  const restored = new Promise<boolean>((resolve) => (settle = resolve));
  const follow = (): void => {
    const state = client.session.get();
    if (state.status === 'active' && owner !== state.user.uid) {
      // What the person before typed is not the next one's to see.
      if (owner !== '') form.reset();
      owner = state.user.uid;
      const mine = open();
      if (mine !== undefined) void restore(mine).then(settle);
    } else if (state.status === 'anonymous' || (state.status === 'ended' && state.reason === 'signed_out')) {
      key = undefined;
      owner = '';
      isDue = false;
      form.reset();
    }
  };

  form.addEventListener('input', onInput, { signal: stopped.signal });
  form.addEventListener('change', onInput, { signal: stopped.signal });
  form.addEventListener('reset', forget, { signal: stopped.signal });
  const unsubscribe = client.session.subscribe(follow);
  follow();
  return {
    restored,
    forget,
    stop() {
      stopped.abort();
      unsubscribe();
      settle(false);
    },
  };
}
