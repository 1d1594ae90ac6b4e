import type { Command } from '../command.ts';
import { instantWithAge, table } from '../wording.ts';
import { openSessions, type UserSessions } from './service.ts';

export const listSessions: Command = {
  name: 'sessions list',
  operands: [],
  options: ['uid'],
  summary: "a user's live sessions",
  help: [
    'Shows where a user is signed in, the session used last first, and the keyed hash that names the user in the audit trail.',
    'The content of a session is not shown: only its cookie decrypts it.',
  ],
  actions: ['cloudformation:DescribeStacks', 'lambda:InvokeFunction'],
  misuse: ({ uid }) => (uid === undefined ? 'needs --uid UID' : undefined),
  run: async (args, context) => {
    const { uid = '' } = args;
    const service = await openSessions(args, context);
    const { person, sessions } = await service.list(uid);
    return {
      document: { uid, person, sessions },
      lines: [
        `Sessions of ${uid}, ${service.label}`,
        `In the audit trail: person ${person}`,
        '',
        ...sessionLines(sessions, context.clock.now()),
      ],
    };
  },
};

export const sessionLines = (sessions: UserSessions['sessions'], now: number): string[] =>
  sessions.length === 0
    ? ['No live session.']
    : table([
        ['HANDLE', 'SIGNED IN', 'LAST ACTIVE', 'DEVICE'],
        ...sessions.map(({ handle, signedInAt, lastActiveAt, device }) => [
          handle,
          instantWithAge(signedInAt, now),
          instantWithAge(lastActiveAt, now),
          device,
        ]),
      ]);
