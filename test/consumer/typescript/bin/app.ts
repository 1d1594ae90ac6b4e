import { App, Stack } from 'aws-cdk-lib';
import { apiPlatformTokenUrls, BffStorage, Cis2Bff, cis2Issuers, SigningKeyStore } from 'cis2-bff/cdk';
import bff from '../bff.config.ts';

const app = new App();
const stateful = new Stack(app, 'stateful');
const stateless = new Stack(app, 'stateless');
const deployed = new Cis2Bff(stateless, 'Bff', {
  ...bff,
  production: false,
  baseUrl: 'https://app.example.nhs.uk',
  issuer: cis2Issuers.integration,
  clientId: 'consumer',
  upstreamUrls: { referrals: 'https://referrals.example.nhs.uk/api' },
  apiPlatformTokenUrl: apiPlatformTokenUrls.integration,
  storage: new BffStorage(stateful, 'Storage'),
  signingKeys: new SigningKeyStore(stateful, 'Keys'),
});
// A second one in the same stack, with everything of its own.
new Cis2Bff(stateless, 'Other', {
  ...bff,
  production: false,
  baseUrl: 'https://other.example.nhs.uk',
  issuer: cis2Issuers.integration,
  clientId: 'other',
});
export const bucket: string = deployed.spaBucket.bucketName;
app.synth();
