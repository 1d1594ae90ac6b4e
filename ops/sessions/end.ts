import type { Arguments, Command, Context } from '../command.ts';
import { requireSomebodyToAsk, requireYes } from '../confirmation.ts';
import type { Result } from '../io.ts';
import { plural } from '../wording.ts';
import { sessionLines } from './list.ts';
import { openSessions, type SessionService } from './service.ts';

const reason = 'revoked';

export const endSessions: Command = {
  name: 'sessions end',
  operands: [],
  options: ['uid', 'all', 'yes'],
  summary: "end a user's sessions (--uid UID), or everybody's (--all)",
  help: [
    'Ends all live sessions of a user, and the sign-ins that the user has started; or, with --all, every session that began before',
    'the command, in several calls with a line of progress after each. Their pages show that they have ended, reason revoked.',
    'If the command breaks off, run it again: it ends the sessions that are left.',
  ],
  actions: ['cloudformation:DescribeStacks', 'lambda:InvokeFunction'],
  misuse: ({ uid, all }) =>
    (uid === undefined) === all ? undefined : 'needs either --uid UID or --all, and not both',
  run: async (args, context) => {
    const { uid } = args;
    requireSomebodyToAsk(args, context.io);
    const service = await openSessions(args, context);
    return uid === undefined
      ? endOfEverybody(service, args, context)
      : endOfUser(service, uid, args, context);
  },
};

async function endOfUser(
  service: SessionService,
  uid: string,
  args: Arguments,
  context: Context,
): Promise<Result> {
  const { sessions } = await service.list(uid);
  context.io.show([
    `Sessions of ${uid}, ${service.label}`,
    '',
    ...sessionLines(sessions, context.clock.now()),
  ]);
  if (!args.yes) await requireYes('End them, and the sign-ins that the user has started?', context.io);
  const { person, ended } = await service.endOfUser(uid);
  return { document: { uid, person, reason, ended }, lines: ['', `Ended ${plural(ended, 'session')}.`] };
}

async function endOfEverybody(service: SessionService, args: Arguments, context: Context): Promise<Result> {
  context.io.show([`All users of ${service.label} will have to sign in again.`]);
  if (!args.yes) await requireYes('End all sessions?', context.io);
  const ended = await service.endOfEverybody((soFar) => {
    context.io.note(`ended ${plural(soFar, 'session')} so far …`);
  });
  return { document: { all: true, reason, ended }, lines: ['', `Ended ${plural(ended, 'session')}.`] };
}
