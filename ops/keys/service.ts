import type { Arguments, Context, Purpose } from '../command.ts';
import { CouldNot } from '../errors.ts';
import type { Installation } from '../installation.ts';
import { readChange, readStatus, type KeysChange, type KeysStatus } from './answers.ts';
import type { PrivateRsaJwk } from './private-key.ts';

/** A change that the function makes itself. */
export type Change =
  | { readonly operation: 'promote' }
  | {
      readonly operation: 'import';
      readonly jwk: PrivateRsaJwk;
      readonly kid: string | undefined;
      readonly now: boolean;
    };

/** The ring of one purpose, through the one function that may write it. */
export interface KeyService {
  /** For headings: whose keys, and where. */
  readonly title: string;
  /** Where to look for more. */
  readonly functionName: string;
  status(): Promise<KeysStatus>;
  /** What a change would do; refused as the change itself would be. */
  foresee(change: Change | { readonly operation: 'rotate' }): Promise<KeysChange>;
  carryOut(change: Change): Promise<KeysChange>;
  /** As {@link Installation.rotateSecret}. */
  startRotation(token: string): Promise<'started' | 'unfinished'>;
}

/** @throws CouldNot when the installation has no ring for that purpose alone */
export async function openKeys(
  { target, purpose }: Pick<Arguments, 'target' | 'purpose'>,
  { open }: Pick<Context, 'open'>,
): Promise<KeyService> {
  return keyService(await open(target), purpose);
}

function keyService(installation: Installation, purpose: Purpose): KeyService {
  const own = installation.hasOutput('ApiPlatformKeysSecretArn');
  if (purpose === 'api-platform' && !own) {
    throw new CouldNot(
      'keys_shared',
      `in ${installation.label} CIS2 and the API platform share one ring of keys: leave --purpose out`,
    );
  }
  const functionName = installation.output('RotateSigningKeysFunction');
  const ask = (event: object, changes = false): Promise<unknown> =>
    installation.invoke(functionName, { ...event, purpose }, { changes });
  const whose = { cis2: own ? 'CIS2' : 'CIS2 and the API platform', 'api-platform': 'the API platform' };

  return {
    title: `Signing keys for ${whose[purpose]}, ${installation.label}`,
    functionName,
    status: async () => readStatus(await ask({ operation: 'status' })),
    foresee: async (change) => readChange(await ask({ ...change, dryRun: true })),
    carryOut: async (change) => readChange(await ask(change, true)),
    startRotation: (token) =>
      installation.rotateSecret(
        installation.output(purpose === 'cis2' ? 'SigningKeysSecretArn' : 'ApiPlatformKeysSecretArn'),
        token,
      ),
  };
}
