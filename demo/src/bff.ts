/** The client of these pages, what every call to it shares, and what is shown: a page, and what a call gave above it. */
import { useEffect, useState, useSyncExternalStore } from 'react';
import { sessionEvents } from '../../client/events/index.ts';
import { BffError, createBff, type ActiveState } from '../../client/index.ts';
import * as english from '../../client/english/index.ts';
import type { upstreams } from '../../bff.config.ts';

/** It asks every 15 seconds, and is told when the session has ended. */
export const bff = createBff<typeof upstreams>({ events: sessionEvents({ askSeconds: 15 }) });

/** What is said to the person: a function of the session where it could become untrue. */
type Told = string | ((session: ActiveState) => string);
/** The path of the page, and what stands above the page until the person acts. */
type Shown = { path: string; notice: { heading: string; text: Told; isError?: boolean } | null };
let shown: Shown = { path: location.pathname, notice: null };
const listeners = new Set<() => void>();
const subscribe = (listener: () => void) => {
  listeners.add(listener);
  return () => void listeners.delete(listener);
};
export const useShown = () => useSyncExternalStore(subscribe, () => shown);
/** Shows another notice, or another page without loading it, so that the notice stays. */
export function show({ path = location.pathname, notice = shown.notice }: Partial<Shown>): void {
  if (path !== location.pathname) history.replaceState(null, '', path);
  shown = { path, notice };
  for (const listener of listeners) listener();
}

/** Runs what a button asked for. A failure is said above the page, under this heading; so is what the action gives. */
export function attempt(heading: string, action: () => Promise<void> | Promise<Told>): void {
  show({ notice: null });
  action().then(
    (text) => text && show({ notice: { heading: 'Success', text } }),
    (error: unknown) => {
      if (!(error instanceof BffError)) throw error;
      show({ notice: { heading, text: english.failureText(error), isError: true } });
    },
  );
}
export const signOut = () => attempt('You are still signed in', bff.signOut);

/** What a call gave, or its error, and `null` until then; and a function that calls again. */
export function useCall<Value>(call: () => Promise<Value>) {
  const [result, setResult] = useState<Value | BffError | null>(null);
  const again = () => void call().then(setResult, setResult);
  useEffect(again, []);
  return [result, again] as const;
}
