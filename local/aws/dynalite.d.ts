declare module 'dynalite' {
  import type { Server } from 'node:http';

  interface Options {
    /** How long a new table is not ready, in milliseconds. */
    readonly createTableMs?: number;
  }

  /** A server that speaks DynamoDB's protocol, with its tables in memory. */
  export default function dynalite(options?: Options): Server;
}
