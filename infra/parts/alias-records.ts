import * as route53 from 'aws-cdk-lib/aws-route53';
import { CloudFrontTarget } from 'aws-cdk-lib/aws-route53-targets';
import type * as cloudfront from 'aws-cdk-lib/aws-cloudfront';
import { Construct } from 'constructs';

export interface AliasRecordsProps {
  readonly hostedZone: route53.IHostedZone;
  /** The host name of the base URL. */
  readonly host: string;
  readonly distribution: cloudfront.IDistribution;
}

/** Leads a host name to a distribution, over IPv4 and IPv6. */
export class AliasRecords extends Construct {
  constructor(scope: Construct, id: string, { hostedZone, host, distribution }: AliasRecordsProps) {
    super(scope, id);
    const record = {
      zone: hostedZone,
      // With the dot it is a whole name, whatever the zone is called.
      recordName: `${host}.`,
      target: route53.RecordTarget.fromAlias(new CloudFrontTarget(distribution)),
    };
    new route53.ARecord(this, 'IPv4', record);
    new route53.AaaaRecord(this, 'IPv6', record);
  }
}
