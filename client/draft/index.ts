/** `cis2-bff/client/draft`: keeps what was typed in a form over the end of a session, for the same person only. */
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

/** As if the person had typed it: frameworks get the events. */
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
/** All drafts of this tab, sealed, in one item: the client removes it at a sign-out. What is there and not this person's goes. */
function edit(person: string, change: (own: Stored) => void): void {
  try {
    const all = JSON.parse(sessionStorage.getItem(draftsKey) ?? '{}') as Record<string, Stored>;
    const own: Stored = all[person] ?? {};
    change(own);
    if (Object.keys(own).length === 0) sessionStorage.removeItem(draftsKey);
    else sessionStorage.setItem(draftsKey, JSON.stringify({ [person]: own }));
  } catch {
    // No storage, or a full one: what was typed stays in the form alone.
  }
}

const toText = (bytes: Uint8Array): string =>
  btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
const toBytes = (text: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (char) => char.charCodeAt(0));
const nonceBytes = 12;

const toUtf8 = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

/** The key of the person, and the names of the person and the form that nobody can tell without it. */
interface Access {
  readonly key: CryptoKey;
  readonly person: string;
  readonly name: string;
}

/**
 * @param form - its path and name
 * @throws BffError when there is no session, or the BFF cannot be reached
 */
async function openDrafts(client: SessionClient, form: string): Promise<Access> {
  const response = await client.fetch('/auth/session/draft-key', { background: true, cache: 'no-store' });
  const { key } = (await response.json()) as { readonly key: string };
  const given = await crypto.subtle.importKey('raw', toBytes(key), 'HKDF', false, ['deriveKey']);
  // Separate keys to encrypt and to make names.
  const derive = (
    info: string,
    algorithm: AesKeyGenParams | HmacKeyGenParams,
    usages: KeyUsage[],
  ): Promise<CryptoKey> => {
    const hkdf = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info: toUtf8(info) };
    return crypto.subtle.deriveKey(hkdf, given, algorithm, false, usages);
  };
  const namer = await derive('name', { name: 'HMAC', hash: 'SHA-256', length: 256 }, ['sign']);
  const nameFor = async (text: string): Promise<string> =>
    toText(new Uint8Array(await crypto.subtle.sign('HMAC', namer, toUtf8(text))));
  return {
    key: await derive('encrypt', { name: 'AES-GCM', length: 256 }, ['encrypt', 'decrypt']),
    person: await nameFor(''),
    name: await nameFor(form),
  };
}

/**
 * Keeps what is typed in a form, and brings it back when the same person is signed in again in this tab.
 *
 * It lies in the tab's `sessionStorage`, encrypted (AES-256-GCM) under a key that only a session of the same person can
 * have, under a name that only that key gives: which page and form it is of cannot be told. It is gone when the person signs
 * out, when somebody else signs in, and when the tab is closed. Passwords, files, hidden fields and fields with
 * `data-no-draft` are not kept.
 *
 * @param form - its fields need a `name`
 */
export function keepDraft(client: SessionClient, form: HTMLFormElement, options: DraftOptions = {}): Draft {
  const place = `${location.pathname}#${options.name ?? (form.id || form.name)}`;
  const context = toUtf8(place);
  const stopped = new AbortController();
  let access: Promise<Access> | undefined;
  /** What `access` gave. */
  let opened: Access | undefined;
  let owner = '';
  let writing = false;
  let isDue = false;

  const drop = ({ person, name }: Access): void => edit(person, (own) => Reflect.deleteProperty(own, name));
  const forget = (): void => {
    isDue = false;
    const pending = access;
    if (opened !== undefined) drop(opened);
    else
      pending?.then(
        (given) => access === pending && drop(given),
        () => undefined,
      );
  };

  /** The key of whoever is signed in; asked for again where it could not be had. */
  const open = (): Promise<Access> | undefined => {
    opened = undefined;
    if (client.session.get().status !== 'active') return undefined;
    const mine = (access = openDrafts(client, place));
    mine.then(
      (given) => {
        if (access === mine) opened = given;
      },
      () => {
        if (access === mine) access = undefined;
      },
    );
    return mine;
  };

  const store = async (): Promise<void> => {
    const used = access ?? open();
    if (writing || used === undefined) return;
    writing = true;
    try {
      const { key, person, name } = await used;
      while (isDue) {
        isDue = false;
        const iv = crypto.getRandomValues(new Uint8Array(nonceBytes));
        const plain = toUtf8(JSON.stringify(valuesOf(form)));
        const algorithm = { name: 'AES-GCM', iv, additionalData: context };
        const sealed = new Uint8Array(await crypto.subtle.encrypt(algorithm, key, plain));
        // A sign-out, or another person, came while it was encrypted.
        if (access !== used) return;
        edit(person, (own) => {
          own[name] = toText(new Uint8Array([...iv, ...sealed]));
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

  const restore = async (used: Promise<Access>): Promise<boolean> => {
    try {
      const { key, person, name } = await used;
      // A sign-out, or another person, came meanwhile: what is stored now is not to be touched.
      if (access !== used) return false;
      let text: unknown;
      edit(person, (own) => (text = own[name]));
      if (typeof text !== 'string') return false;
      const bytes = toBytes(text);
      const algorithm = { name: 'AES-GCM', iv: bytes.subarray(0, nonceBytes), additionalData: context };
      const plain = await crypto.subtle.decrypt(algorithm, key, bytes.subarray(nonceBytes));
      if (access !== used || stopped.signal.aborted) return false;
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
      access = opened = undefined;
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
