/** Firefox over WebDriver BiDi, which it speaks itself: no driver is needed. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Engine, Profile, Tab } from './engine.ts';

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly message?: string;
  readonly result?: unknown;
  readonly params?: { readonly level?: string; readonly text?: string };
}
type Send = <T>(method: string, params?: object) => Promise<T>;

/** Said where console errors are said. */
const reportViolations = `() => addEventListener('securitypolicyviolation', (event) => {
  console.error('CSP ' + event.violatedDirective + ' ' + event.blockedURI);
})`;

async function openTab(send: Send, userContext: string): Promise<Tab> {
  const { context } = await send<{ context: string }>('browsingContext.create', {
    type: 'window',
    userContext,
  });
  return {
    async goto(url) {
      await send('browsingContext.navigate', { context, url, wait: 'interactive' });
    },
    async travel(delta) {
      await send('browsingContext.traverseHistory', { context, delta });
    },
    async evaluate<T>(expression: string) {
      // As JSON: BiDi has a notation of its own.
      const response = await send<{ type: string; result: { value: string } }>('script.evaluate', {
        expression: `JSON.stringify({ value: ${expression} })`,
        awaitPromise: false,
        target: { context },
      });
      if (response.type !== 'success') throw new Error(JSON.stringify(response));
      return (JSON.parse(response.result.value) as { value: T }).value;
    },
    async perform(actions) {
      await send('input.performActions', { context, actions });
    },
  };
}

/** @param folder - for its profile */
export async function startFirefox(folder: string): Promise<Engine> {
  const firefox = spawn(
    'firefox-esr',
    ['--headless', '--no-remote', '--profile', folder, '--remote-debugging-port=0'],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  process.once('exit', () => firefox.kill());
  const address = await new Promise<string>((resolve, reject) => {
    let output = '';
    firefox.stderr.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      const listening = /BiDi listening on (ws:\S+)/.exec(output)?.[1];
      if (listening !== undefined) resolve(listening);
    });
    firefox.once('exit', () => reject(new Error(`Firefox did not start:\n${output}`)));
  });
  const socket = new WebSocket(`${address}/session`);
  await once(socket, 'open');
  const waiting = new Map<number, (message: Message) => void>();
  let complaints: string[] = [];
  socket.addEventListener('message', ({ data }) => {
    const message = JSON.parse(String(data)) as Message;
    if (message.id !== undefined) waiting.get(message.id)?.(message);
    else if (message.method === 'log.entryAdded' && message.params?.level === 'error')
      complaints.push(message.params.text ?? '');
  });
  let lastId = 0;
  const send: Send = async <T>(method: string, params: object = {}) => {
    const id = (lastId += 1);
    const reply = new Promise<Message>((resolve) => waiting.set(id, resolve));
    socket.send(JSON.stringify({ id, method, params }));
    const { message, result } = await reply;
    waiting.delete(id);
    if (message !== undefined) throw new Error(`${method}: ${message}`);
    return result as T;
  };
  const { capabilities } = await send<{ capabilities: { browserVersion: string } }>('session.new', {
    capabilities: { alwaysMatch: { acceptInsecureCerts: true } },
  });
  await send('session.subscribe', { events: ['log.entryAdded'] });
  await send('script.addPreloadScript', { functionDeclaration: reportViolations });
  return {
    name: 'Firefox',
    version: capabilities.browserVersion,
    async profile(): Promise<Profile> {
      const { userContext } = await send<{ userContext: string }>('browser.createUserContext');
      complaints = [];
      return {
        tab: () => openTab(send, userContext),
        async clearCookies() {
          await send('storage.deleteCookies', { partition: { type: 'storageKey', userContext } });
        },
        complaints: () => Promise.resolve(complaints),
        async close() {
          await send('browser.removeUserContext', { userContext });
        },
      };
    },
    async close() {
      const gone = once(firefox, 'exit');
      await send('browser.close').catch(() => firefox.kill());
      await gone;
    },
  };
}
