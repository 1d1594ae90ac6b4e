/** The function that copies audit events, as it is deployed. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { createLogger } from '../../lambdas/telemetry/log.ts';

const bundle = pathToFileURL(join(import.meta.dirname, '../../build/lambdas/audit-trail/index.mjs')).href;

const packed = (batch: unknown): object => ({
  awslogs: { data: gzipSync(typeof batch === 'string' ? batch : JSON.stringify(batch)).toString('base64') },
});
const batchOf = (...messages: unknown[]): object => ({
  messageType: 'DATA_MESSAGE',
  logGroup: 'callback',
  logEvents: messages.map((message, id) => ({ id: String(id), timestamp: 1, message })),
});

/** Calls the handler once for each event, in a process that has nothing in its environment. */
const copied = (...events: object[]): { lines: string[]; failures: number } => {
  const script = `const { handler } = await import(${JSON.stringify(bundle)});
    let failures = 0;
    for (const event of ${JSON.stringify(events)}) {
      await Promise.resolve(event).then(handler).catch(() => { failures += 1; });
    }
    process.stderr.write(String(failures));`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
    env: {},
    encoding: 'utf8',
  });
  expect(status).toBe(0);
  return { lines: stdout.split('\n').filter((line) => line !== ''), failures: Number(stderr) };
};

/** Lines as the functions write them: an audit event, and the line of the request with its metrics. */
const written: string[] = [];
const log = createLogger({ functionName: 'callback', level: 'info', write: (line) => written.push(line) });
const forRequest = log.withReference('7K3M-9QX2-HABW');
forRequest('sign_in_completed', { person: 'keyed-hash', authenticationLevel: 3 });
forRequest('request', { route: 'GET /auth/callback', status: 303 });
const [audit = '', request = ''] = written;

describe('the audit trail', () => {
  test('has each audit event as it was written, and no other line, nor a metric a second time', () => {
    const forged = JSON.stringify({ audit: 'true', note: '"audit":true' });
    const { lines, failures } = copied(
      packed(batchOf(`${audit}\n`, request, forged, 'END "audit":true', '[true]', 7)),
    );
    expect([lines, failures]).toEqual([[audit], 0]);
    expect(lines.join()).not.toContain('_aws');
  });

  test('has an event that is delivered twice as the same line twice, so that it can be recognised', () => {
    const batch = packed(batchOf(audit));
    expect(copied(batch, batch).lines).toEqual([audit, audit]);
  });

  test('has nothing of the message by which CloudWatch Logs tries whether it arrives', () => {
    const trial = { ...batchOf(audit), messageType: 'CONTROL_MESSAGE' };
    expect(copied(packed(trial))).toEqual({ lines: [], failures: 0 });
  });

  test('fails for what is no batch, so that it is sent again and an alarm says so', () => {
    const { lines, failures } = copied(
      {},
      { awslogs: { data: 'AAAA' } },
      packed('no JSON'),
      packed({}),
      packed({ logEvents: audit }),
      packed('null'),
    );
    expect([lines, failures]).toEqual([[], 6]);
  });
});
