import { codeOf } from './errors.ts';

/** Whether there is a process of this id. */
export function isAlive(pid: number): boolean {
  // 0 and below are groups of processes.
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Somebody else's process is alive too.
    return codeOf(error) === 'EPERM';
  }
}
