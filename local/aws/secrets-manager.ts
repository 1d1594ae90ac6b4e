import { startAwsJsonService } from './aws-json.ts';
import type { LoopbackServer } from '../loopback-server.ts';
import { SecretRotations } from './secret-rotation.ts';
import type { Invoke } from './secret-rotation.ts';
import { SecretStore } from './secret-store.ts';

export interface SecretsManager extends LoopbackServer {
  /** Lets it call functions, which it cannot until then. A rotation needs one. */
  rotateWith(invoke: Invoke): void;
  /** Resolves when no rotation runs. */
  settled(): Promise<void>;
}

/**
 * Starts a Secrets Manager in memory on 127.0.0.1: the calls that the functions, the operators' commands and the local
 * run use. A rotation schedule is stored; by itself nothing rotates, as no local run lives that long.
 *
 * @param options.region, options.account - stand in the ARNs
 */
export async function startSecretsManager(options: {
  region: string;
  account: string;
}): Promise<SecretsManager> {
  const store = new SecretStore(options.region, options.account);
  const rotations = new SecretRotations();
  const server = await startAwsJsonService({
    target: 'secretsmanager',
    calls: {
      CreateSecret: (input) => store.create(input),
      DescribeSecret: (input) => store.describe(input),
      GetSecretValue: (input) => store.get(input),
      PutSecretValue: (input) => store.put(input),
      UpdateSecretVersionStage: (input) => store.updateStage(input),
      RotateSecret: (input) => rotations.rotate(store.find(input), input),
    },
  });
  return {
    ...server,
    rotateWith: (invoke) => {
      rotations.invoke = invoke;
    },
    settled: () => rotations.settled(),
  };
}
