import { spawnSync } from 'node:child_process';
import { isAlive } from '../processes.ts';

/** How often it checks, in milliseconds. */
const pollMs = 500;

/**
 * The process that started this one through a shell: `npx` and npm's scripts leave one in between, which waits for us and
 * outlives them.
 */
function starterBehindShell(parent: number): number | undefined {
  if (process.env['npm_execpath'] === undefined && process.env['npm_command'] === undefined) return undefined;
  const { stdout } = spawnSync('ps', ['-o', 'ppid=,comm=', '-p', String(parent)], { encoding: 'utf8' });
  const [, starter, name] = /^\s*(\d+)\s+-?(?:\S*\/)?(\S+)\s*$/.exec(stdout) ?? [];
  return name !== undefined && /^(?:sh|ash|bash|dash|zsh|busybox)$/.test(name) && Number(starter) > 1
    ? Number(starter)
    : undefined;
}

/** Calls back once what started this process is gone, however it ended. */
export function whenStarterIsGone(stop: () => void): void {
  const parent = process.ppid;
  const starter = starterBehindShell(parent);
  const timer = setInterval(() => {
    if (process.ppid === parent && (starter === undefined || isAlive(starter))) return;
    clearInterval(timer);
    stop();
  }, pollMs);
  timer.unref();
}
