import type { ActiveSession } from '../bff.ts';

/** One page: what stands in the main part, and the document's title. */
export interface View {
  readonly title: string;
  readonly content: readonly Node[];
  /** Brings the clocks up to date: called with every answer, and every second while somebody is signed in. */
  readonly update?: (session: ActiveSession) => void;
}
