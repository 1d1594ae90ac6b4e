import type { KMSClient, KMSClientConfig } from '@aws-sdk/client-kms';
import type * as KmsKeys from './kms/index.ts';

/** The client of KMS, loaded at the first key in KMS: most installations have none. */
export const kmsLoader = (options: KMSClientConfig) => {
  let loaded: Promise<{ client: KMSClient; keys: typeof KmsKeys }> | undefined;
  const load = async () => {
    const keys = await import('./kms/index.ts');
    return { client: keys.createKms(options), keys };
  };
  return () => (loaded ??= load());
};
