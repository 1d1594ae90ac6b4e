import { describeError, type Logger } from '../telemetry/index.ts';

/** Sends a text to whoever holds a connection. */
export type PostToConnection = (connectionId: string, text: string) => Promise<'sent' | 'gone'>;

/** A batch of the sessions table's stream: core items of sessions that have ended, by the mapping's filter. */
export interface EndedSessions {
  readonly Records: readonly {
    readonly dynamodb?: { readonly NewImage?: Readonly<Record<string, { readonly S?: string } | undefined>> };
  }[];
}

/** All that a page is ever told: who is signed in it asks for itself, with its cookie. */
const message = 'ask';

/**
 * Has the pages of ended sessions ask who is signed in.
 *
 * @throws Error when some could not be told: the batch comes again for a minute, and whoever was told is told again
 */
export const tellPages =
  ({ post, log }: { readonly post: PostToConnection; readonly log: Logger }) =>
  async ({ Records }: EndedSessions): Promise<void> => {
    const connections = Records.flatMap(({ dynamodb }) => dynamodb?.NewImage?.['eventsConnection']?.S ?? []);
    const results = await Promise.allSettled(connections.map((connection) => post(connection, message)));
    const failed = results.filter((result) => result.status === 'rejected');
    const count = (wanted: 'sent' | 'gone'): number =>
      results.filter((result) => result.status === 'fulfilled' && result.value === wanted).length;
    log('session_ends_told', { sent: count('sent'), gone: count('gone'), failed: failed.length });
    const [first] = failed;
    if (first === undefined) return;
    log('dependency_failed', { code: 'connections_unavailable', ...describeError(first.reason) });
    // Lambda writes what is thrown into the log, whatever it is.
    throw new Error('some pages could not be told: see the log of this function');
  };
