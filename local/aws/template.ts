/**
 * The synthesised CDK assembly as CloudFormation would see it: its stacks' resources, and their values with the
 * intrinsic functions worked out.
 */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { StartError } from '../errors.ts';

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

export interface Resource {
  readonly stack: string;
  readonly logicalId: string;
  readonly type: string;
  readonly properties: JsonObject;
}

interface Stack {
  readonly name: string;
  readonly region: string;
  readonly resources: ReadonlyMap<string, Resource>;
  readonly parameters: JsonObject;
  readonly outputs: JsonObject;
  /** Where each asset (by the hash in its object key) lies on disk. */
  readonly assets: ReadonlyMap<string, string>;
}

/** What a resource's `Ref` and `Fn::GetAtt` give; only the local run knows, as it is what made the resource. */
export interface PhysicalResource {
  readonly ref?: string;
  readonly attributes?: Readonly<Record<string, string>>;
}

export const accountId = '000000000000';

export const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const objectAt = (value: Json | undefined, ...keys: readonly string[]): JsonObject => {
  let found = value;
  for (const key of keys) found = isObject(found) ? found[key] : undefined;
  return isObject(found) ? found : {};
};

export const listAt = (value: Json | undefined, ...keys: readonly string[]): readonly Json[] => {
  const last = keys.at(-1);
  const found = last === undefined ? value : objectAt(value, ...keys.slice(0, -1))[last];
  return Array.isArray(found) ? (found as readonly Json[]) : [];
};

/** A plain value as text; anything else is no text. */
export const textOf = (value: Json | undefined): string =>
  typeof value === 'object' || value === undefined ? '' : String(value);

const readJson = (file: string): Json => JSON.parse(readFileSync(file, 'utf8')) as Json;

export class Assembly {
  readonly #stacks: ReadonlyMap<string, Stack>;
  readonly #physical = new Map<string, PhysicalResource>();

  private constructor(stacks: ReadonlyMap<string, Stack>) {
    this.#stacks = stacks;
  }

  /**
   * Reads a cloud assembly.
   *
   * @param directory - what `cdk synth` wrote (`cdk.out`)
   * @throws StartError when there is none
   */
  static read(directory: string): Assembly {
    const manifestFile = path.join(directory, 'manifest.json');
    if (!existsSync(manifestFile)) throw new StartError(`there is no synthesised template in ${directory}`);
    const stacks = new Map<string, Stack>();
    for (const [id, artifact] of Object.entries(objectAt(readJson(manifestFile), 'artifacts'))) {
      if (!isObject(artifact) || artifact['type'] !== 'aws:cloudformation:stack') continue;
      const properties = objectAt(artifact, 'properties');
      const name = textOf(properties['stackName'] ?? id);
      const template = readJson(path.join(directory, textOf(properties['templateFile'])));
      const region = /^aws:\/\/[^/]+\/([a-z0-9-]+)$/.exec(textOf(artifact['environment']))?.[1];
      stacks.set(name, {
        name,
        region: region === undefined || region === 'unknown-region' ? 'eu-west-2' : region,
        resources: new Map(
          Object.entries(objectAt(template, 'Resources')).map(([logicalId, resource]) => [
            logicalId,
            {
              stack: name,
              logicalId,
              type: textOf(objectAt(resource)['Type']),
              properties: objectAt(resource, 'Properties'),
            },
          ]),
        ),
        parameters: objectAt(template, 'Parameters'),
        outputs: objectAt(template, 'Outputs'),
        assets: readAssets(directory, id),
      });
    }
    if (stacks.size === 0) throw new StartError(`the template in ${directory} has no stacks`);
    return new Assembly(stacks);
  }

  /** Every resource of a type, in the order of the templates. */
  resources(...types: readonly string[]): Resource[] {
    return [...this.#stacks.values()].flatMap((stack) =>
      [...stack.resources.values()].filter((resource) => types.includes(resource.type)),
    );
  }

  /** Every type of resource there is. */
  types(): string[] {
    return [...this.#stacks.values()].flatMap((stack) =>
      [...stack.resources.values()].map(({ type }) => type),
    );
  }

  regionOf(resource: Resource): string {
    return this.#stack(resource.stack).region;
  }

  /** Says what a resource's `Ref` and attributes are from now on. */
  define(resource: Resource, physical: PhysicalResource): void {
    this.#physical.set(keyOf(resource), physical);
  }

  /**
   * Follows a `Ref` or `Fn::GetAtt` (through imports and joins of one part) to the resource that it names.
   *
   * @returns undefined when the value does not point at a resource
   */
  target(stack: string, value: Json | undefined): Resource | undefined {
    if (!isObject(value)) return undefined;
    const [name, argument] = Object.entries(value)[0] ?? [];
    if (name === 'Ref') return this.#stack(stack).resources.get(textOf(argument));
    if (name === 'Fn::GetAtt') {
      const [logicalId] = attributePath(argument);
      return this.#stack(stack).resources.get(logicalId);
    }
    if (name === 'Fn::ImportValue' || name === 'Fn::GetStackOutput') {
      const output = this.#output(stack, name, argument);
      return output === undefined ? undefined : this.target(output.stack, output.value);
    }
    if (name === 'Fn::Join') {
      const targets = listAt(listAt(argument)[1]).flatMap((part) => this.target(stack, part) ?? []);
      return targets.length === 1 ? targets[0] : undefined;
    }
    return undefined;
  }

  /**
   * Works out a value of a template.
   *
   * @param stack - the stack that the value stands in
   * @throws StartError for an intrinsic function or a reference that the local run knows nothing of
   */
  resolve(stack: string, value: Json): Json {
    if (Array.isArray(value)) return (value as readonly Json[]).map((item) => this.resolve(stack, item));
    if (!isObject(value)) return value;
    const entries = Object.entries(value);
    const [name, argument] = entries[0] ?? [];
    if (entries.length === 1 && name !== undefined && (name === 'Ref' || name.startsWith('Fn::'))) {
      return this.#intrinsic(stack, name, argument ?? null);
    }
    return Object.fromEntries(entries.map(([key, item]) => [key, this.resolve(stack, item)]));
  }

  /** As `resolve`, for a value that must be text (a number or a boolean counts). */
  text(stack: string, value: Json): string {
    const resolved = this.resolve(stack, value);
    if (typeof resolved === 'object') {
      throw new StartError(`the template has ${JSON.stringify(resolved)} where text is expected`);
    }
    return String(resolved);
  }

  /** The outputs of every stack, by name. One that speaks of something the local run does not make is left out. */
  outputs(): Record<string, string> {
    return Object.fromEntries(
      [...this.#stacks.values()].flatMap(({ name: stack, outputs }) =>
        Object.entries(outputs).flatMap(([name, output]) => {
          try {
            return [[name, this.text(stack, objectAt(output)['Value'] ?? null)]];
          } catch (error) {
            if (error instanceof StartError) return [];
            throw error;
          }
        }),
      ),
    );
  }

  /**
   * Where a function's code lies on disk.
   *
   * @throws StartError when the function has no asset in this assembly
   */
  assetOf(resource: Resource): string {
    const key = objectAt(resource.properties, 'Code')['S3Key'];
    const hash = typeof key === 'string' ? path.parse(key).name : undefined;
    const directory = hash === undefined ? undefined : this.#stack(resource.stack).assets.get(hash);
    if (directory === undefined) {
      throw new StartError(`the function ${resource.logicalId} has no code in the synthesised template`);
    }
    return directory;
  }

  #stack(name: string): Stack {
    const stack = this.#stacks.get(name);
    if (stack === undefined) throw new StartError(`the template speaks of a stack ${name} that is not in it`);
    return stack;
  }

  #intrinsic(stack: string, name: string, argument: Json): Json {
    switch (name) {
      case 'Ref':
        return this.#reference(stack, textOf(argument));
      case 'Fn::GetAtt': {
        const [logicalId, attribute] = attributePath(argument);
        const value = this.#physicalOf(stack, logicalId)?.attributes?.[attribute];
        if (value === undefined) throw unknown(stack, `${logicalId}.${attribute}`);
        return value;
      }
      case 'Fn::ImportValue':
      case 'Fn::GetStackOutput': {
        const output = this.#output(stack, name, argument);
        if (output === undefined) throw unknown(stack, `${name} ${JSON.stringify(argument)}`);
        return this.resolve(output.stack, output.value);
      }
      case 'Fn::Join': {
        const [separator, parts] = listAt(argument);
        return listAt(parts)
          .map((part) => this.text(stack, part))
          .join(textOf(separator));
      }
      case 'Fn::Select': {
        const [index, list] = listAt(argument);
        return listAt(this.resolve(stack, list ?? []))[Number(index)] ?? '';
      }
      case 'Fn::Split': {
        const [separator, source] = listAt(argument);
        return this.text(stack, source ?? '').split(textOf(separator));
      }
      case 'Fn::Sub':
        return textOf(argument).replace(/\$\{([^}!]+)\}/g, (_, reference: string) =>
          this.text(
            stack,
            reference.includes('.') ? { 'Fn::GetAtt': reference.split('.') } : { Ref: reference },
          ),
        );
      default:
        throw unknown(stack, name);
    }
  }

  #reference(stack: string, logicalId: string): string {
    const { region, parameters } = this.#stack(stack);
    const pseudo: Record<string, string> = {
      'AWS::Region': region,
      'AWS::AccountId': accountId,
      'AWS::Partition': 'aws',
      'AWS::URLSuffix': 'amazonaws.com',
      'AWS::StackName': stack,
      'AWS::StackId': `arn:aws:cloudformation:${region}:${accountId}:stack/${stack}/local`,
    };
    const known = pseudo[logicalId] ?? this.#physicalOf(stack, logicalId)?.ref;
    if (known !== undefined) return known;
    const fallback = objectAt(parameters, logicalId)['Default'];
    if (fallback === undefined) throw unknown(stack, logicalId);
    return textOf(fallback);
  }

  #physicalOf(stack: string, logicalId: string): PhysicalResource | undefined {
    return this.#physical.get(keyOf({ stack, logicalId }));
  }

  /** The output that another stack imports: by its export name, or by the stack and the output's own name. */
  #output(
    stack: string,
    name: 'Fn::ImportValue' | 'Fn::GetStackOutput',
    argument: Json | undefined,
  ): { stack: string; value: Json } | undefined {
    if (name === 'Fn::GetStackOutput') {
      const from = this.text(stack, objectAt(argument)['StackName'] ?? '');
      const value = objectAt(this.#stack(from).outputs, textOf(objectAt(argument)['OutputName']))['Value'];
      return value === undefined ? undefined : { stack: from, value };
    }
    const exportName = this.text(stack, argument ?? '');
    for (const candidate of this.#stacks.values()) {
      for (const output of Object.values(candidate.outputs)) {
        const exported = objectAt(output, 'Export')['Name'];
        const value = objectAt(output)['Value'];
        if (exported === undefined || value === undefined) continue;
        if (this.text(candidate.name, exported) === exportName) return { stack: candidate.name, value };
      }
    }
    return undefined;
  }
}

const keyOf = ({ stack, logicalId }: { stack: string; logicalId: string }): string => `${stack}/${logicalId}`;

const attributePath = (argument: Json | undefined): [string, string] => {
  const parts = typeof argument === 'string' ? argument.split('.') : listAt(argument).map(textOf);
  return [parts[0] ?? '', parts.slice(1).join('.')];
};

const unknown = (stack: string, what: string): StartError =>
  new StartError(`the local run cannot work out ${what} in the template of ${stack}`);

function readAssets(directory: string, artifact: string): Map<string, string> {
  const file = path.join(directory, `${artifact}.assets.json`);
  if (!existsSync(file)) return new Map();
  return new Map(
    Object.entries(objectAt(readJson(file), 'files')).map(([hash, asset]) => [
      hash,
      path.resolve(directory, textOf(objectAt(asset, 'source')['path'])),
    ]),
  );
}

export const arnOf = (assembly: Assembly, resource: Resource, service: string, name: string): string =>
  `arn:aws:${service}:${assembly.regionOf(resource)}:${accountId}:${name}`;

/** CloudFormation's own names: the stack's and the resource's. */
export const physicalName = (assembly: Assembly, resource: Resource, property: string): string => {
  const given = resource.properties[property];
  return given === undefined
    ? `${resource.stack}-${resource.logicalId}`
    : assembly.text(resource.stack, given);
};
