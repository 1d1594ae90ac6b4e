import type { Command } from '../command.ts';
import { CouldNot } from '../errors.ts';
import { changeDocument, confirmChange, foreseen, mustBeAbleToAsk } from './change.ts';
import { readPrivateKeyFile } from './private-key.ts';
import { openKeys, type Change } from './service.ts';
import { nextRotationLine, outcome } from './view.ts';

export const importKey: Command = {
  name: 'keys import',
  operands: ['FILE'],
  options: ['kid', 'now', 'purpose', 'dry-run', 'yes'],
  summary: 'take an existing private key in as next, or with --now as current',
  help: [
    'Takes an RSA private key (PEM, PKCS#8 or PKCS#1; or one JWK; - reads standard input) in as the next key, in place of',
    'the one that is there and has never signed. With --now it signs at once: only for a key whose public half CIS2 has',
    'already, when an app moves here. The key goes to the function and nowhere else.',
  ],
  actions: ['cloudformation:DescribeStacks', 'lambda:InvokeFunction'],
  run: async (args, context) => {
    const [file = ''] = args.operands;
    mustBeAbleToAsk(args, context);
    if (file === '-' && !args.yes && !args.dryRun) {
      throw new CouldNot(
        'confirmation_needed',
        'standard input brings the key and cannot bring an answer too, so nothing was changed: add --yes',
      );
    }
    const key = await readPrivateKeyFile(file);
    if (key.readableByOthers) {
      context.io.note(`warning: others on this machine can read ${file}: chmod 600 it`);
    }
    const change: Change = {
      operation: 'import',
      jwk: key.jwk,
      kid: args.kid ?? key.kid,
      now: args.now,
    };

    const keys = await openKeys(args, context);
    const foresight = await keys.foresee(change);
    if (args.dryRun) return foreseen(foresight, keys, args, context);
    const question = args.now ? 'Let this key sign from now on?' : 'Take this key in as the next one?';
    await confirmChange(foresight, { question, keys, args, context });

    const done = await keys.carryOut(change);
    const now = context.clock.now();
    return {
      document: changeDocument(done, args),
      lines: [
        ...outcome(args.now ? 'Imported. It signs now.' : 'Imported as the next key.', done.after, now),
        '',
        nextRotationLine(done.nextRotationAt, now),
        ...(file === '-'
          ? []
          : [`${file} still holds the private key: delete it when nobody else needs it.`]),
      ],
    };
  },
};
