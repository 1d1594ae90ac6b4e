/** A Vite development server with the plugin, in a process of its own: its native parts refuse Jest's own globals. */
import { createLogger, createServer } from 'vite';
import { bff } from '../../vite/index.ts';

const [root = '', url = ''] = process.argv.slice(2);
const server = await createServer({
  root,
  configFile: false,
  customLogger: Object.assign(createLogger('warn'), { error: () => undefined }),
  plugins: [bff({ url })],
  server: { host: '127.0.0.1', port: 0 },
});
await server.listen();
const address = server.httpServer?.address();
process.stdout.write(`${JSON.stringify(address)}\n`);
