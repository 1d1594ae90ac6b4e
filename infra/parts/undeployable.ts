import { DefaultStackSynthesizer } from 'aws-cdk-lib';

/**
 * Writes the same template as the default, which `cdk deploy` then refuses: before it deploys a stack it looks up the version of the
 * account's bootstrap resources, here under a name that says why there is none. Looking (`synth`, `diff`) stays possible.
 */
export class UndeployableSynthesizer extends DefaultStackSynthesizer {
  private readonly reason: string;

  /** @param reason - words with hyphens between them, for the name of an SSM parameter */
  constructor(reason: string) {
    super();
    this.reason = reason;
  }

  protected override emitArtifact(
    ...[session, options]: Parameters<DefaultStackSynthesizer['emitArtifact']>
  ): void {
    super.emitArtifact(session, {
      ...options,
      bootstrapStackVersionSsmParameter: `/cis2-bff/refused/${this.reason}`,
    });
  }
}
