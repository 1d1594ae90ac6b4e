/** Makes the tables and the secrets of the template. */
import { randomInt, randomUUID } from 'node:crypto';
import type { CreateTableCommandInput, KeyType, ScalarAttributeType } from '@aws-sdk/client-dynamodb';
import { reasonOf, StartError } from '../errors.ts';
import { requestText } from '../http-request.ts';
import { createTables } from './dynamodb.ts';
import { arnOf, listAt, objectAt, physicalName, textOf } from './template.ts';
import type { Assembly, Json, JsonObject, Resource } from './template.ts';

export interface StoreEndpoints {
  readonly dynamodb: string;
  readonly secretsManager: string;
  readonly kms: string;
}

const tableTypes = ['AWS::DynamoDB::Table', 'AWS::DynamoDB::GlobalTable'];

/** Makes the tables of the template. */
export async function makeTables(assembly: Assembly, endpoint: string): Promise<void> {
  const byRegion = new Map<string, CreateTableCommandInput[]>();
  for (const resource of assembly.resources(...tableTypes)) {
    const name = physicalName(assembly, resource, 'TableName');
    const arn = arnOf(assembly, resource, 'dynamodb', `table/${name}`);
    assembly.define(resource, { ref: name, attributes: { Arn: arn, StreamArn: `${arn}/stream/local` } });
    const region = assembly.regionOf(resource);
    byRegion.set(region, [
      ...(byRegion.get(region) ?? []),
      {
        TableName: name,
        BillingMode: 'PAY_PER_REQUEST',
        KeySchema: listAt(resource.properties, 'KeySchema').map((key) => ({
          AttributeName: textOf(objectAt(key)['AttributeName']),
          KeyType: textOf(objectAt(key)['KeyType']) as KeyType,
        })),
        AttributeDefinitions: listAt(resource.properties, 'AttributeDefinitions').map((attribute) => ({
          AttributeName: textOf(objectAt(attribute)['AttributeName']),
          AttributeType: textOf(objectAt(attribute)['AttributeType']) as ScalarAttributeType,
        })),
      },
    ]);
  }
  await Promise.all([...byRegion].map(([region, tables]) => createTables(endpoint, region, tables)));
}

/** Makes the secrets of the template: empty, unless the template has a value for them or has one generated. */
export async function makeSecrets(assembly: Assembly, endpoint: string): Promise<void> {
  await Promise.all(
    assembly.resources('AWS::SecretsManager::Secret').map(async (resource) => {
      const name = physicalName(assembly, resource, 'Name');
      const value = resource.properties['SecretString'] ?? generatedValue(assembly, resource);
      const arn = await createSecret(endpoint, {
        Name: name,
        ClientRequestToken: randomUUID(),
        ...(value === undefined ? {} : { SecretString: assembly.text(resource.stack, value) }),
      });
      assembly.define(resource, { ref: arn, attributes: { Arn: arn } });
    }),
  );
}

const alphanumeric = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/**
 * The value that Secrets Manager would generate; undefined where the template asks for none.
 *
 * @throws StartError when it asks for anything but letters and digits
 */
function generatedValue(assembly: Assembly, { stack, logicalId, properties }: Resource): string | undefined {
  const wanted = properties['GenerateSecretString'];
  if (wanted === undefined) return undefined;
  const { PasswordLength = 32, ExcludePunctuation, ...others } = objectAt(assembly.resolve(stack, wanted));
  if (ExcludePunctuation !== true || Object.keys(others).length > 0) {
    throw new StartError(
      `the local run cannot generate the value of the secret ${logicalId}: only letters and digits, of some length`,
    );
  }
  return Array.from({ length: Number(PasswordLength) }, () =>
    alphanumeric.charAt(randomInt(alphanumeric.length)),
  ).join('');
}

/** Gives a secret a value, as somebody does by hand whose secret the template makes empty. */
export async function putSecret(endpoint: string, secretId: string, value: object): Promise<void> {
  const purpose = 'fill a secret';
  const response = await callSecretsManager(endpoint, purpose, 'PutSecretValue', {
    SecretId: secretId,
    ClientRequestToken: randomUUID(),
    SecretString: JSON.stringify(value),
  });
  arnIn(response, endpoint, purpose);
}

/**
 * A text of the template with a reference to a secret resolved, as CloudFormation does when it deploys.
 *
 * @throws StartError when there is no such secret
 */
export async function resolveSecret(endpoint: string, text: string): Promise<string> {
  const [, secretId] = /^\{\{resolve:secretsmanager:(.+):SecretString:*\}\}$/.exec(text) ?? [];
  if (secretId === undefined) return text;
  const response = await callSecretsManager(endpoint, 'read a secret', 'GetSecretValue', {
    SecretId: secretId,
    VersionStage: 'AWSCURRENT',
  });
  arnIn(response, endpoint, 'read a secret');
  return textOf(response['SecretString']);
}

async function createSecret(endpoint: string, input: JsonObject): Promise<string> {
  const purpose = 'make the secrets';
  let response = await callSecretsManager(endpoint, purpose, 'CreateSecret', input);
  if (/ResourceExistsException$/.test(textOf(response['__type']))) {
    response = await callSecretsManager(endpoint, purpose, 'DescribeSecret', {
      SecretId: input['Name'] ?? '',
    });
  }
  return arnIn(response, endpoint, purpose);
}

/**
 * Sets up the rotation of the template's secrets, as their schedules say.
 *
 * @param endpoint - of a Secrets Manager that can run the functions
 */
export async function makeRotationSchedules(assembly: Assembly, endpoint: string): Promise<void> {
  const purpose = 'set up the rotation';
  for (const { stack, properties } of assembly.resources('AWS::SecretsManager::RotationSchedule')) {
    const { SecretId, RotationLambdaARN, RotationRules, RotateImmediatelyOnUpdate } = properties;
    const response = await callSecretsManager(endpoint, purpose, 'RotateSecret', {
      SecretId: assembly.text(stack, SecretId ?? ''),
      ClientRequestToken: randomUUID(),
      RotationLambdaARN: assembly.text(stack, RotationLambdaARN ?? ''),
      RotationRules: assembly.resolve(stack, RotationRules ?? {}),
      RotateImmediately: RotateImmediatelyOnUpdate !== false,
    });
    arnIn(response, endpoint, purpose);
  }
}

/**
 * One call at Secrets Manager without its SDK, whose loading would take longer than the rest of this step.
 *
 * @throws StartError when no response comes
 */
async function callSecretsManager(
  endpoint: string,
  purpose: string,
  operation: string,
  input: JsonObject,
): Promise<JsonObject> {
  const { body } = await requestText(endpoint, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': `secretsmanager.${operation}`,
      authorization:
        'AWS4-HMAC-SHA256 Credential=local/20000101/local/secretsmanager/aws4_request, SignedHeaders=host, Signature=local',
    },
    body: JSON.stringify(input),
  }).catch((error: unknown) => {
    throw new StartError(`cannot ${purpose} at ${endpoint}: ${reasonOf(error)}`);
  });
  return objectAt(JSON.parse(body) as Json);
}

/** The ARN of a secret, which every response about one has; a refusal has none. */
function arnIn(response: JsonObject, endpoint: string, purpose: string): string {
  const arn = response['ARN'];
  if (typeof arn === 'string') return arn;
  throw new StartError(`cannot ${purpose} at ${endpoint}: ${textOf(response['__type'] ?? 'no answer')}`);
}
