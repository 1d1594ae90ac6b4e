import type { Command } from './command.ts';
import { doctor } from './doctor/doctor.ts';
import { checkKeys } from './keys/check.ts';
import { importKey } from './keys/import.ts';
import { promoteKey } from './keys/promote.ts';
import { rotateKeys } from './keys/rotate.ts';
import { keysStatus } from './keys/status.ts';
import { endSessions } from './sessions/end.ts';
import { listSessions } from './sessions/list.ts';
import { trace } from './trace.ts';

/** Every command there is, in the order of the help text. */
export const commands: readonly Command[] = [
  keysStatus,
  rotateKeys,
  promoteKey,
  importKey,
  checkKeys,
  listSessions,
  endSessions,
  trace,
  doctor,
];
