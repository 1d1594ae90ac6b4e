import type * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { addEmptySecret, readingStatements } from './secrets.ts';

/** The NHS API platform's token endpoints. */
export const apiPlatformTokenUrls = {
  integration: 'https://int.api.service.nhs.uk/oauth2/token',
  live: 'https://api.service.nhs.uk/oauth2/token',
} as const;

const liveHost = 'api.service.nhs.uk';

/** Which of the API platform's environments a URL is in; undefined for what is not the API platform's. */
export const apiPlatformEnvironment = (url: URL): 'live' | 'test' | undefined => {
  // A name with a dot at its end is the same name.
  const host = url.hostname.replace(/\.$/, '');
  if (host === liveHost) return 'live';
  return host.endsWith(`.${liveHost}`) ? 'test' : undefined;
};

/**
 * The secret with what the NHS API platform knows our application by: `{"apiKey":"…","apiSecret":"…"}`. CloudFormation makes
 * it empty, and whoever registered the application fills it. Until then every call that needs a token is answered 503, and
 * nothing else is touched.
 * @stateful
 */
export class ApiPlatformCredentials extends Construct {
  readonly secret: secretsmanager.Secret;
  /** Encrypts the secret. */
  readonly encryptionKey: kms.Key;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    const { secret, encryptionKey } = addEmptySecret(this, 'Application', {
      secret: 'what the NHS API platform knows the application by',
      atRest: "the application's credentials for the NHS API platform at rest",
      rotated:
        'The API platform gives an application its key and secret through its portal, to a person: there is nothing that a ' +
        'function could ask for others. The proxy reads the secret again every minute, so that others take hold without a ' +
        'deployment.',
    });
    this.secret = secret;
    this.encryptionKey = encryptionKey;
  }

  /** What a function must be allowed to read the credentials in force. */
  readStatements(): iam.PolicyStatement[] {
    return readingStatements(this, 'ApiPlatformCredentials');
  }
}
