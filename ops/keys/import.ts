import type { Command } from '../command.ts';
import { CommandFailed } from '../errors.ts';
import { changeKeys } from './change.ts';
import { readPrivateKeyFile } from './private-key.ts';

export const importKey: Command = {
  name: 'keys import',
  operands: ['FILE'],
  options: ['kid', 'now', 'purpose', 'dry-run', 'yes'],
  summary: 'import an existing private key as next, or with --now as current',
  help: [
    'Imports an RSA private key (PEM, PKCS#8 or PKCS#1; or one JWK; - reads standard input) as the next key. It replaces the next key',
    'of now, which has never signed. With --now it signs at once: only for a key whose public half CIS2 has already, when an app moves',
    'here. The key is sent to the function and nowhere else. Waits until it is served at its public address, 130 seconds at most.',
  ],
  actions: ['cloudformation:DescribeStacks', 'lambda:InvokeFunction'],
  run: (args, context) => {
    const [file = ''] = args.operands;
    return changeKeys(args, context, {
      change: async () => {
        if (file === '-' && !args.yes && !args.dryRun) {
          throw new CommandFailed(
            'confirmation_needed',
            'standard input has the key and cannot have the reply to a question too, so nothing was changed: add --yes',
          );
        }
        const { jwk, kid, readableByOthers } = await readPrivateKeyFile(file, context.io.stdin);
        if (readableByOthers) {
          context.io.note(`warning: others on this machine can read ${file}: chmod 600 it`);
        }
        return { operation: 'import', jwk, kid: args.kid ?? kid, now: args.now };
      },
      question: args.now ? 'Sign with this key from now on?' : 'Import this key as the next one?',
      make: (keys, change) => keys.make(change),
      heading: args.now ? 'Imported. It signs now.' : 'Imported as the next key.',
      last: file === '-' ? [] : [`${file} still holds the private key: delete it when nobody else needs it.`],
    });
  },
};
