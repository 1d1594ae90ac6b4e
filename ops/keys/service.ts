import type { Arguments, Context } from '../command.ts';
import { CommandFailed } from '../errors.ts';
import { readChange, readStatus, type KeysChange, type KeysStatus } from './responses.ts';
import type { PrivateKeyFile } from './private-key.ts';

/** A change that the function makes itself. */
export type Change =
  | { readonly operation: 'promote' }
  | {
      readonly operation: 'import';
      readonly jwk: PrivateKeyFile['jwk'];
      readonly kid: string | undefined;
      readonly now: boolean;
    };

/** The ring of one purpose, through the functions that read and change it. */
export interface KeyService {
  /** For headings: whose keys, and where. */
  readonly title: string;
  /** The function that changes the keys, for a message that names its log. */
  readonly functionName: string;
  status(): Promise<KeysStatus>;
  /** What a change would do. Fails where the change itself would. */
  dryRun(change: Change | { readonly operation: 'rotate' }): Promise<KeysChange>;
  make(change: Change): Promise<KeysChange>;
  /** Starts a rotation under this token. @returns `unfinished` when an earlier one is continued instead */
  startRotation(token: string): Promise<'started' | 'unfinished'>;
}

/** @throws CommandFailed when that purpose has no ring of its own */
export async function openKeys(
  { target, purpose }: Pick<Arguments, 'target' | 'purpose'>,
  { open }: Pick<Context, 'open'>,
): Promise<KeyService> {
  const installation = await open(target);
  const own = installation.hasOutput('ApiPlatformKeysSecretArn');
  if (purpose === 'api-platform' && !own) {
    throw new CommandFailed(
      'keys_shared',
      `in ${installation.label} CIS2 and the API platform share one ring of keys: omit --purpose`,
    );
  }
  const whose = { cis2: own ? 'CIS2' : 'CIS2 and the API platform', 'api-platform': 'the API platform' };
  const secret = purpose === 'cis2' ? 'SigningKeysSecretArn' : 'ApiPlatformKeysSecretArn';
  const invoke = (output: string, event: object, changes = false): Promise<unknown> =>
    installation.invoke(installation.output(output), { ...event, purpose }, { changes });

  return {
    title: `Signing keys for ${whose[purpose]}, ${installation.label}`,
    functionName: installation.output('RotateSigningKeysFunction'),
    status: async () => readStatus(await invoke('KeysStatusFunction', {})),
    dryRun: async (change) =>
      readChange(await invoke('RotateSigningKeysFunction', { ...change, dryRun: true })),
    make: async (change) => readChange(await invoke('RotateSigningKeysFunction', change, true)),
    startRotation: (token) => installation.rotateSecret(installation.output(secret), token),
  };
}
