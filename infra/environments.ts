import { ArnPrincipal } from 'aws-cdk-lib/aws-iam';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Cis2BffProps } from './cis2-bff.ts';
import type { FirewallProps } from './parts/firewall.ts';
import { cis2Issuers } from './parts/settings.ts';
import type { BffStorageProps } from './parts/storage.ts';

/** Properties of the construct that an environment has in another shape, or not at all: its stacks make them. */
export const notOfEnvironments = [
  'storage',
  'signingKeys',
  'apiPlatformKeyStore',
  'apiPlatformCredentials',
  'edgeSecret',
  'keyRingName',
  'certificate',
  'hostedZone',
  'originDomain',
  'alarmTopic',
  'warningTopic',
  'bundles',
] as const satisfies readonly (keyof Cis2BffProps)[];

/** One deployment: what differs from the defaults of {@link Cis2BffProps} and {@link BffStorageProps}. Nothing secret. */
export interface Environment extends Omit<Cis2BffProps, (typeof notOfEnvironments)[number]>, BffStorageProps {
  /** Always said, never left to a default. */
  readonly production: boolean;
  /**
   * Whether it goes with its stacks, data, keys and logs included. Production is refused with it.
   * @default false
   */
  readonly ephemeral?: boolean;
  /** The AWS account that it is deployed into, and into no other. */
  readonly account: string;
  /**
   * The hosted zone in Route 53, in the environment's account, of the base URL's host and of the origin: both certificates and all records
   * are made by it.
   * @default - no records are made, and certificates are given by their ARNs
   */
  readonly hostedZone?: { readonly id: string; readonly name: string };
  /**
   * ARN of the certificate (in us-east-1) for the base URL's host. Production is refused without one.
   * @default - with `hostedZone` one is made, without CloudFront's own certificate and name
   */
  readonly certificateArn?: string;
  /**
   * Name by which the edge calls the API, and the ARN of its certificate in the environment's own region. With `hostedZone` the
   * certificate is made, unless there is an ARN.
   * @default - with `hostedZone` `origin.` and the base URL's host, without the API's own address, which stays open
   */
  readonly origin?: { readonly domainName: string; readonly certificateArn?: string };
  /**
   * The firewall that is made for the environment, in a stack of its own in us-east-1, unless `webAclArn` names another or
   * `withoutWebAcl` says why there is none.
   * @default - its defaults
   */
  readonly firewall?: FirewallProps;
}

/** An account that AWS keeps for examples. An entry that names it can be synthesised and not deployed. */
export const exampleAccount = '111122223333';

/** Where whoever is told of an alarm reads `docs/operations/runbooks.md`. */
const exampleRunbooks = 'https://git.example.nhs.uk/app/docs/operations/runbooks.md';

/** Enough for a team that tries things out, too little for a runaway loop to cost much. It fits the limits of a new account. */
const small = {
  requestsPerSecond: 50,
  requestBurst: 100,
  maxReadUnits: 400,
  maxWriteUnits: 200,
  logRetention: RetentionDays.ONE_MONTH,
  // Below the gateway's rates, which follow requestsPerSecond.
  firewall: { logoutsPerAddress: 600, requestsPerAddress: 12_000 },
} as const;

/**
 * Where the Personal Demographics Service is. Check it against the API platform's catalogue before the first call: what is
 * an API's base path there may change with its version.
 */
const pds = {
  integration: 'https://int.api.service.nhs.uk/personal-demographics/FHIR/R4',
  live: 'https://api.service.nhs.uk/personal-demographics/FHIR/R4',
} as const;

const exampleCertificate = `arn:aws:acm:us-east-1:${exampleAccount}:certificate/00000000-0000-0000-0000-000000000000`;

const exampleOriginCertificate = `arn:aws:acm:eu-west-2:${exampleAccount}:certificate/00000000-0000-0000-0000-000000000000`;

/** Every deployment, by the name that its stacks carry. Accounts, hosts and certificates are examples: put your own in. */
export const environments: Readonly<Record<string, Environment>> = {
  dev: {
    ...small,
    production: false,
    account: exampleAccount,
    certificateArn: exampleCertificate,
    baseUrl: 'https://dev.app.example.nhs.uk',
    origin: { domainName: 'origin.dev.app.example.nhs.uk', certificateArn: exampleOriginCertificate },
    issuer: cis2Issuers.integration,
    clientId: 'cis2-bff-dev',
    upstreamUrls: { pds: pds.integration },
    alarmEmail: 'team@app.example.nhs.uk',
    runbookUrl: exampleRunbooks,
  },
  int: {
    ...small,
    production: false,
    account: exampleAccount,
    certificateArn: exampleCertificate,
    baseUrl: 'https://int.app.example.nhs.uk',
    origin: { domainName: 'origin.int.app.example.nhs.uk', certificateArn: exampleOriginCertificate },
    issuer: cis2Issuers.integration,
    clientId: 'cis2-bff-int',
    upstreamUrls: { pds: pds.integration },
    alarmEmail: 'team@app.example.nhs.uk',
    runbookUrl: exampleRunbooks,
  },
  prod: {
    production: true,
    account: exampleAccount,
    baseUrl: 'https://app.example.nhs.uk',
    origin: { domainName: 'origin.app.example.nhs.uk', certificateArn: exampleOriginCertificate },
    issuer: cis2Issuers.live,
    clientId: 'cis2-bff-prod',
    upstreamUrls: { pds: pds.live },
    certificateArn: exampleCertificate,
    alarmEmail: 'on-call@app.example.nhs.uk',
    warningEmail: 'team@app.example.nhs.uk',
    runbookUrl: exampleRunbooks,
    operatorPrincipals: {
      readOnly: new ArnPrincipal(`arn:aws:iam::${exampleAccount}:role/support`),
      operator: new ArnPrincipal(`arn:aws:iam::${exampleAccount}:role/on-call`),
    },
  },
};
