import { Stack, type StackProps } from 'aws-cdk-lib';
import { Cis2Bff, cis2Issuers } from 'cis2-bff/cdk';
import type { Construct } from 'constructs';
import bff from '../bff.config.ts';

/** A first deployment, for CIS2's integration environment. Production wants a certificate and a web ACL. */
export class AppStack extends Stack {
  constructor(scope: Construct, id: string, props?: StackProps) {
    super(scope, id, props);
    new Cis2Bff(this, 'Bff', {
      ...bff,
      production: false,
      baseUrl: 'https://app.example.nhs.uk',
      issuer: cis2Issuers.integration,
      clientId: 'the-client-id-from-cis2',
      upstreamUrls: { pds: 'https://int.api.service.nhs.uk/personal-demographics/FHIR/R4' },
    });
  }
}
