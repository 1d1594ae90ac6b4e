import { describeError, type Logger } from '../telemetry/index.ts';

/** Sends a text to whoever holds a connection. */
export type PostToConnection = (connectionId: string, text: string) => Promise<'sent' | 'gone'>;

/** A batch of the sessions table's stream: core items of sessions that have ended, by the mapping's filter. */
export interface EndedSessions {
  readonly Records: readonly {
    readonly dynamodb?: { readonly NewImage?: Readonly<Record<string, { readonly S?: string } | undefined>> };
  }[];
}

/** The only message: a page then reads its session itself, with its cookie. */
const message = 'ask';

/**
 * Notifies the pages of ended sessions, which then read their session.
 *
 * @throws Error when some could not be notified: the batch is retried for a minute, and all are notified again
 */
export const notifyPages =
  ({ post, log }: { readonly post: PostToConnection; readonly log: Logger }) =>
  async ({ Records }: EndedSessions): Promise<void> => {
    const connections = Records.flatMap(({ dynamodb }) => dynamodb?.NewImage?.['eventsConnection']?.S ?? []);
    const results = await Promise.allSettled(connections.map((connection) => post(connection, message)));
    const failed = results.filter((result) => result.status === 'rejected');
    const count = (wanted: 'sent' | 'gone'): number =>
      results.filter((result) => result.status === 'fulfilled' && result.value === wanted).length;
    log('session_ends_pushed', { sent: count('sent'), gone: count('gone'), failed: failed.length });
    const [first] = failed;
    if (first === undefined) return;
    log('dependency_failed', { code: 'connections_unavailable', ...describeError(first.reason) });
    // Lambda logs every thrown error, so its message must hold no data.
    throw new Error('some pages could not be notified: see the log of this function');
  };
