/** Runs functions with the streams of tables, as the template's event source mappings say. */
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { StartError } from '../errors.ts';
import { functionOf } from './apis.ts';
import type { Functions } from './functions.ts';
import { isObject, listAt, objectAt, textOf } from './template.ts';
import type { Assembly, Json, JsonObject, Resource } from './template.ts';

/** An item of a table as a write left it; without an image it is gone. */
export interface TableWrite {
  readonly table: string;
  readonly keys: JsonObject;
  readonly image: JsonObject | undefined;
}

interface Mapping {
  readonly table: string;
  readonly keyNames: readonly string[];
  readonly streamArn: string;
  readonly function: Resource;
  readonly matches: (record: Json) => boolean;
  readonly retries: number;
}

/** Between two attempts of a batch, in milliseconds. */
const retryMs = 500;

/**
 * What an event filter lets through (rules of Amazon EventBridge): a list names the values that are taken, an object goes on into
 * the record.
 *
 * @throws StartError for a rule that the local run does not know
 */
export function eventFilter(pattern: Json): (record: Json) => boolean {
  if (!isObject(pattern)) throw unknownRule(pattern);
  const members = Object.entries(pattern).map(([name, rule]) => {
    if (!Array.isArray(rule)) {
      const inner = eventFilter(rule);
      return (record: JsonObject) => inner(record[name] ?? null);
    }
    const values = rule as readonly Json[];
    const takes = values.map((value): ((found: Json | undefined) => boolean) => {
      if (!isObject(value)) return (found) => found === value;
      const [[operator, argument] = [], another] = Object.entries(value);
      if (operator !== 'exists' || typeof argument !== 'boolean' || another !== undefined)
        throw unknownRule(value);
      return (found) => (found !== undefined) === argument;
    });
    return (record: JsonObject) => takes.some((take) => take(record[name]));
  });
  return (record) => {
    const found = isObject(record) ? record : {};
    return members.every((member) => member(found));
  };
}

const unknownRule = (rule: Json): StartError =>
  new StartError(`the local run cannot imitate a filter of the template: ${JSON.stringify(rule)}`);

function readMappings(assembly: Assembly): Mapping[] {
  return assembly.resources('AWS::Lambda::EventSourceMapping').map(({ stack, logicalId, properties }) => {
    const source = properties['EventSourceArn'];
    const table = assembly.target(stack, source);
    const target = functionOf(assembly, assembly.target(stack, properties['FunctionName']));
    if (table?.type !== 'AWS::DynamoDB::Table' || target?.type !== 'AWS::Lambda::Function') {
      throw new StartError(
        `the event source mapping ${logicalId} of the template leads from no table to a function`,
      );
    }
    const filters = listAt(properties, 'FilterCriteria', 'Filters').map((filter) =>
      eventFilter(JSON.parse(textOf(objectAt(filter)['Pattern'])) as Json),
    );
    return {
      table: assembly.text(table.stack, { Ref: table.logicalId }),
      keyNames: listAt(table.properties, 'KeySchema').map((key) => textOf(objectAt(key)['AttributeName'])),
      streamArn: assembly.text(stack, source ?? ''),
      function: target,
      matches: (record) => filters.length === 0 || filters.some((filter) => filter(record)),
      retries: Number(properties['MaximumRetryAttempts'] ?? 2),
    };
  });
}

/** What listens to writes of tables. */
export interface TableStreams {
  /** Table → the names of its keys. */
  readonly tables: ReadonlyMap<string, readonly string[]>;
  readonly publish: (write: TableWrite) => void;
}

/**
 * @returns is to be called with writes. Each record is a batch of its own, and every write of an item that stays a MODIFY: whether it
 *   was there before is not known here
 */
export function eventSources(assembly: Assembly, functions: Functions): TableStreams {
  const mappings = readMappings(assembly);
  let sequence = 0;
  const deliver = async (mapping: Mapping, record: JsonObject): Promise<void> => {
    for (let attempt = 0; attempt <= mapping.retries; attempt += 1) {
      if (attempt > 0) await pause(retryMs);
      const { ok } = await functions.get(mapping.function).invoke({ Records: [record] });
      if (ok) return;
    }
  };
  return {
    tables: new Map(mappings.map(({ table, keyNames }) => [table, keyNames])),
    publish({ table, keys, image }) {
      for (const mapping of mappings.filter((candidate) => candidate.table === table)) {
        sequence += 1;
        const record: JsonObject = {
          eventID: randomUUID(),
          eventName: image === undefined ? 'REMOVE' : 'MODIFY',
          eventVersion: '1.1',
          eventSource: 'aws:dynamodb',
          awsRegion: mapping.streamArn.split(':')[3] ?? '',
          dynamodb: {
            ApproximateCreationDateTime: Math.floor(Date.now() / 1_000),
            Keys: keys,
            ...(image === undefined ? {} : { NewImage: image }),
            SequenceNumber: String(sequence),
            SizeBytes: JSON.stringify(image ?? keys).length,
            StreamViewType: 'NEW_IMAGE',
          },
          eventSourceARN: mapping.streamArn,
        };
        if (mapping.matches(record)) void deliver(mapping, record);
      }
    },
  };
}
