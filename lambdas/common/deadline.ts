/**
 * Does work with a time limit. The timer is cleared at its end: `AbortSignal.timeout` would fire, and make an error, later.
 *
 * @param milliseconds - with 0 or fewer the signal aborts as soon as the work waits
 * @param work - its signal aborts with a `TimeoutError`, or with the reason of `outer`
 * @param outer - a time limit that this one lies within
 */
export async function withDeadline<T>(
  milliseconds: number,
  work: (signal: AbortSignal) => Promise<T>,
  outer?: AbortSignal,
): Promise<T> {
  const own = new AbortController();
  const timer = setTimeout(
    () => {
      own.abort(new DOMException('no time is left', 'TimeoutError'));
    },
    Math.max(0, milliseconds),
  );
  try {
    return await work(outer === undefined ? own.signal : AbortSignal.any([outer, own.signal]));
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Waits for work until `signal` aborts. Work is not begun after that; what was begun goes on, and its result is ignored.
 *
 * @param onAbort - gives the result in place of the work's, or throws
 */
export async function untilAborted<T>(
  signal: AbortSignal,
  work: () => Promise<T>,
  onAbort: () => T,
): Promise<T> {
  if (signal.aborted) return onAbort();
  const { promise: aborted, resolve } = Promise.withResolvers<unknown>();
  signal.addEventListener('abort', resolve, { once: true });
  try {
    return await Promise.race([work(), aborted.then(onAbort)]);
  } finally {
    signal.removeEventListener('abort', resolve);
  }
}
