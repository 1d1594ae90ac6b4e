/** Every TCP port that a process listens on, as the operating system has it: a listener cannot be forgotten. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';

export interface Listener {
  readonly address: string;
  readonly port: number;
}

const loopback = { '0100007F': '127.0.0.1', '00000000000000000000000001000000': '::1' };

function listenersOnLinux(pid: number): Listener[] {
  const directory = `/proc/${String(pid)}/fd`;
  const sockets = new Set(
    readdirSync(directory).flatMap((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`${directory}/${fd}`))?.[1] ?? [];
      } catch {
        return []; // Closed in the meantime.
      }
    }),
  );
  return ['tcp', 'tcp6'].flatMap((table) =>
    readFileSync(`/proc/${String(pid)}/net/${table}`, 'utf8')
      .split('\n')
      .slice(1)
      .flatMap((line) => {
        const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/);
        const [address = '', port = ''] = local.split(':');
        return state === '0A' && sockets.has(inode)
          ? [{ address: (loopback as Record<string, string>)[address] ?? address, port: parseInt(port, 16) }]
          : [];
      }),
  );
}

const listenersByLsof = (pid: number): Listener[] =>
  execFileSync('lsof', ['-a', '-p', String(pid), '-iTCP', '-sTCP:LISTEN', '-P', '-n', '-F', 'n'])
    .toString()
    .split('\n')
    .flatMap((line) => {
      const [, address = '', port] = /^n\[?([^\]]+?)\]?:(\d+)$/.exec(line) ?? [];
      return port === undefined ? [] : [{ address, port: Number(port) }];
    });

export const listenersOf = (pid: number): Listener[] =>
  existsSync('/proc/self/fd') ? listenersOnLinux(pid) : listenersByLsof(pid);
