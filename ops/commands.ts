import type { Command } from './command.ts';
import { importKey } from './keys/import.ts';
import { promoteKey } from './keys/promote.ts';
import { rotateKeys } from './keys/rotate.ts';
import { keysStatus } from './keys/status.ts';

/** Every command there is, in the order of the help text. */
export const commands: readonly Command[] = [keysStatus, rotateKeys, promoteKey, importKey];
