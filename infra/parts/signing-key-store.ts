import { Aws, Validations } from 'aws-cdk-lib';
import type * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { ringTag } from '../../lambdas/ring-tag.ts';
import { allow } from './statements.ts';
import { refuseProblems, signingKeyStoreChecks } from './prop-checks.ts';
import { addEmptySecret, readingStatements, secretStatements } from './secrets.ts';

/** Whom a ring of signing keys proves us to: CIS2, or the NHS API platform. */
export type KeyPurpose = 'cis2' | 'api-platform';

export interface SigningKeyStoreProps {
  /** @default cis2 */
  readonly purpose?: KeyPurpose;
}

/** How a ring is called in descriptions, and in the names of statements about it. */
const names: Readonly<Record<KeyPurpose, { readonly title: string; readonly sid: string }>> = {
  cis2: { title: 'signing keys', sid: 'SigningKeys' },
  'api-platform': { title: 'signing keys for the NHS API platform', sid: 'ApiPlatformKeys' },
};

/**
 * The secret that holds a ring of signing keys. CloudFormation makes it empty, so that no private key is ever in
 * a template: the function `rotate-signing-keys` fills it during the first deployment.
 * @stateful
 */
export class SigningKeyStore extends Construct {
  readonly purpose: KeyPurpose;
  readonly secret: secretsmanager.Secret;
  /** Encrypts the secret. */
  readonly encryptionKey: kms.Key;

  /** @throws DeploymentRefused naming everything in `props` that breaks a rule */
  constructor(scope: Construct, id: string, props: SigningKeyStoreProps = {}) {
    super(scope, id);
    refuseProblems(signingKeyStoreChecks, props);
    this.purpose = props.purpose ?? 'cis2';
    const { title } = names[this.purpose];
    const { secret, encryptionKey } = addEmptySecret(this, 'Ring', {
      secret: `the ring of private ${title}`,
      atRest: `the private ${title} at rest`,
      rotated:
        'It is rotated on a schedule. The schedule is in the stack of the function that it runs, which this check does not ' +
        'read.',
    });
    this.secret = secret;
    this.encryptionKey = encryptionKey;
  }

  /** What a function must be allowed to read the keys in force, and no version that was or is to come. */
  readStatements(): iam.PolicyStatement[] {
    return readingStatements(this, names[this.purpose].sid);
  }

  /** What a function must be allowed to see which versions the ring has, and the value of none. */
  describeStatement(): iam.PolicyStatement {
    return allow(names[this.purpose].sid, ['secretsmanager:DescribeSecret'], [this.secret.secretArn]);
  }

  /** What a function must be allowed to fill, rotate and change the ring. */
  writeStatements(): iam.PolicyStatement[] {
    return secretStatements(
      this,
      names[this.purpose].sid,
      ['DescribeSecret', 'GetSecretValue', 'PutSecretValue', 'UpdateSecretVersionStage'],
      ['Decrypt', 'GenerateDataKey'],
    );
  }
}

/** Every key of this account and region; statements narrow it down by the tag, for no key exists yet when they are written. */
const everyKey = `arn:${Aws.PARTITION}:kms:${Aws.REGION}:${Aws.ACCOUNT_ID}:key/*`;

/** What an installation's keys in KMS are called. */
export interface KmsRings {
  /** The installation's own name: the setting KEY_RING_NAME. */
  readonly name: string;
  readonly purposes: readonly KeyPurpose[];
}

const tagValues = ({ name, purposes }: KmsRings): string[] => purposes.map((purpose) => `${name}/${purpose}`);

/** What a function must be allowed to sign with the keys in KMS of these rings, as CIS2 expects it (RS512). */
export const kmsSigningStatements = (rings: KmsRings): iam.PolicyStatement[] => [
  allow('KmsKeysSign', ['kms:Sign'], [everyKey], {
    StringEquals: {
      [`aws:ResourceTag/${ringTag}`]: tagValues(rings),
      'kms:SigningAlgorithm': 'RSASSA_PKCS1_V1_5_SHA_512',
    },
  }),
];

/**
 * What a function must be allowed to maintain the keys in KMS of these rings: read their public halves and
 * have them deleted. Only keys that sign, so that a tag put on any other key gives no right to it. Public halves are read
 * whatever the tag: a key's is wanted the moment after it is made, and KMS may take five minutes to know a tag.
 */
export const kmsKeepingStatements = (rings: KmsRings): iam.PolicyStatement[] => [
  allow('KmsKeysRead', ['kms:GetPublicKey'], [everyKey], { StringEquals: { 'kms:KeyUsage': 'SIGN_VERIFY' } }),
  allow('KmsKeysKeep', ['kms:ScheduleKeyDeletion'], [everyKey], {
    StringEquals: { [`aws:ResourceTag/${ringTag}`]: tagValues(rings), 'kms:KeyUsage': 'SIGN_VERIFY' },
  }),
];

/**
 * What a function must be allowed to make new keys in KMS for these rings.
 *
 * @param bits - size of the RSA keys
 */
export const kmsMakingStatements = (rings: KmsRings, bits: string): iam.PolicyStatement[] => {
  const tagged = { [`aws:RequestTag/${ringTag}`]: tagValues(rings) };
  const noOtherTag = { 'aws:TagKeys': ringTag };
  return [
    allow('KmsKeysMake', ['kms:CreateKey'], ['*'], {
      StringEquals: { ...tagged, 'kms:KeySpec': `RSA_${bits}`, 'kms:KeyUsage': 'SIGN_VERIFY' },
      'ForAllValues:StringEquals': noOtherTag,
    }),
    // KMS asks for it when a key is made with a tag.
    allow('KmsKeysTag', ['kms:TagResource'], [everyKey], {
      StringEquals: tagged,
      'ForAllValues:StringEquals': noOtherTag,
    }),
  ];
};

/** Acknowledges that a role's statements name keys by tag and not by ARN; a role with none of them has nothing to let be. */
export function acknowledgeKeysByTag(role: iam.Role, statements: readonly iam.PolicyStatement[]): void {
  if (!statements.some(({ resources }) => resources.includes(everyKey))) return;
  const reason =
    `The keys are made by the rotation function, one by one: there is no ARN to name. The tag ${ringTag} in the ` +
    'conditions binds every right but that to read public halves to the keys of this installation.';
  for (const resource of ['*', 'arn:<AWS::Partition>:kms:<AWS::Region>:<AWS::AccountId>:key/*']) {
    Validations.of(role).acknowledge({ id: `AwsSolutions-IAM5[Resource::${resource}]`, reason });
  }
}
