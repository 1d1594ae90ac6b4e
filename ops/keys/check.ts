import type { Command, Purpose } from '../command.ts';
import { CommandFailed } from '../errors.ts';
import { openKeys } from './service.ts';

export const checkKeys: Command = {
  name: 'keys check',
  operands: [],
  options: [],
  summary: 'the hourly check of the signing keys, now: publishes the ring again where it is not published',
  help: [
    'Runs the check that the schedule runs every hour, for the keys of each purpose: it publishes what belongs to the ring where',
    'something else, or nothing, is published, and corrects what an interrupted change left. It changes no key and is safe at any time.',
  ],
  actions: ['cloudformation:DescribeStacks', 'lambda:InvokeFunction'],
  run: async ({ target }, context) => {
    const installation = await context.open(target);
    const purposes: readonly Purpose[] = installation.hasOutput('ApiPlatformKeysSecretArn')
      ? ['cis2', 'api-platform']
      : ['cis2'];
    // It may be sent again: what is right is left as it is.
    await installation.invoke(
      installation.output('RotateSigningKeysFunction'),
      { operation: 'check' },
      { changes: false },
    );
    const rings = await Promise.all(
      purposes.map(async (purpose) => {
        const keys = await openKeys({ target, purpose }, { open: () => Promise.resolve(installation) });
        const { publishedEqualsRing } = await keys.status();
        return { purpose, title: keys.title, functionName: keys.functionName, publishedEqualsRing };
      }),
    );
    const wrong = rings.find(({ publishedEqualsRing }) => !publishedEqualsRing);
    if (wrong !== undefined) {
      throw new CommandFailed(
        'published_set_differs',
        `the check is done, and what is published is still not the ring of ${wrong.purpose}: see the log of ${wrong.functionName}`,
      );
    }
    return {
      document: {
        rings: rings.map(({ purpose, publishedEqualsRing }) => ({ purpose, publishedEqualsRing })),
      },
      lines: rings.map(({ title }) => `${title}: the published set is the ring.`),
    };
  },
};
