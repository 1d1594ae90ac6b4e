/** The table of what each role of a template may do, and why. */
import { isObject, list, type Json, type StackTemplate } from '../../infra/rules.ts';
import { common, eventReasons, reasons } from './reasons.ts';

interface Right {
  readonly role: string;
  readonly sid: string;
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  readonly conditions: readonly string[];
}

const kebabCase = (name: string): string => name.replaceAll(/(?<=[a-z])([A-Z])/g, '-$1').toLowerCase();

/** `BffFunctionsApiProxyRole1A2B3C4D` → `api-proxy`; another role by the construct that it belongs to. */
const nameOf = (logicalId: string): string => {
  const id = logicalId.replace(/[0-9A-F]{8}$/, '');
  const [, called] = /Functions([A-Za-z]+)Role$/.exec(id) ?? [];
  if (called !== undefined) return kebabCase(called);
  return id
    .replace(/^Bff/, '')
    .replace(/Role$/, '')
    .replace('OperatorsOperator', 'Operator')
    .replace('OperatorsReadOnly', 'OperatorReadOnly');
};

/** A resource in words: its logical id without the hash, or the text of an ARN. */
const resourceText = (value: Json): string => {
  if (typeof value === 'string') return value;
  if (!isObject(value)) return JSON.stringify(value);
  const [name, argument] = Object.entries(value)[0] ?? ['', null];
  if (name === 'Fn::Join') return list(list(argument)[1]).map(resourceText).join('');
  if (name === 'Ref' && typeof argument === 'string' && argument.startsWith('AWS::'))
    return `<${argument.slice(5)}>`;
  const [id] = list(argument);
  if (typeof id !== 'string') return JSON.stringify(value);
  return id
    .replace(/^.*:ExportsOutput(?:Ref|FnGetAtt)/, '')
    .replace(/[0-9A-F]{8}(?:Arn)?(?:[0-9A-F]{8})?$/, '')
    .replace(/^Bff/, '');
};

const conditionTexts = (value: Json | undefined): readonly string[] =>
  Object.entries(isObject(value) ? value : {}).flatMap(([operator, keys]) =>
    Object.entries(isObject(keys) ? keys : {}).map(
      ([key, values]) => `${operator} ${key}: ${list(values).map(resourceText).join(', ')}`,
    ),
  );

/** Every right that a role of the template has. */
const rightsIn = ({ Resources = {} }: StackTemplate): readonly Right[] =>
  Object.entries(Resources)
    .filter(([, { Type }]) => Type === 'AWS::IAM::Role')
    .flatMap(([logicalId, { Properties }]) =>
      list(Properties?.['Policies'])
        .flatMap((policy) =>
          isObject(policy) && isObject(policy['PolicyDocument'])
            ? list(policy['PolicyDocument']['Statement'])
            : [],
        )
        .filter(isObject)
        .map((statement) => ({
          role: nameOf(logicalId),
          sid: typeof statement['Sid'] === 'string' ? statement['Sid'] : '',
          actions: list(statement['Action']).map(resourceText),
          resources: list(statement['Resource']).map(resourceText),
          conditions: conditionTexts(statement['Condition']),
        })),
    );

/** Why a role has a right; undefined where nobody said. */
const reasonOf = ({ role, sid }: Right): string | undefined =>
  (reasons[role] ?? eventReasons[role])?.[sid] ?? common[sid];

export interface RightsReport {
  readonly document: string;
  /** Rights that have no reason, as `ROLE SID`. */
  readonly withoutReason: readonly string[];
  /** Reasons that no right has. */
  readonly unused: readonly string[];
}

const cell = (texts: readonly string[]): string =>
  texts.map((text) => `\`${text.replaceAll('|', '\\|')}\``).join('<br>');

const ordinary = [
  '# What each role may do',
  '',
  'Made of the template of `prod` by `npm run rights`: do not edit. Each row is one statement of the policy that is written out in the',
  'role; no role has any other here. In us-east-1 the roles of operators may also describe the edge-alarms stack and list who has',
  "subscribed to its topics (policy `OperatorsAtTheEdge` there). With `keyCustody: 'kms'` or `apiPlatformKeys: 'own'` come rights on those keys",
  '([signing keys](../signing-keys.md#who-may-do-what)), with `sessionEvents` [two roles more](rights-session-events.md).',
];
const withEvents = [
  '# What the roles of session events may do',
  '',
  'Made by `npm run rights`, as [the other roles’ rights](rights.md): do not edit. These roles are there with `sessionEvents` only.',
];

/**
 * @param template - of the stack with the functions
 * @param without - the same without session events: then the report is about what they add
 */
export function rightsReport(template: StackTemplate, without?: StackTemplate): RightsReport {
  const known = new Set((without === undefined ? [] : rightsIn(without)).map(({ role }) => role));
  const rights = rightsIn(template).filter(({ role }) => !known.has(role));
  const roles = [...new Set(rights.map(({ role }) => role))].sort();
  const used = new Set(
    rights.flatMap(({ role, sid }) => [
      `${role} ${sid}`,
      reasons[role]?.[sid] === undefined ? `common ${sid}` : '',
    ]),
  );
  const all = [
    ...Object.entries(without === undefined ? reasons : eventReasons).flatMap(([role, of]) =>
      Object.keys(of).map((sid) => `${role} ${sid}`),
    ),
    ...(without === undefined ? Object.keys(common).map((sid) => `common ${sid}`) : []),
  ];
  return {
    document: [
      ...(without === undefined ? ordinary : withEvents),
      ...roles.flatMap((role) => [
        '',
        `## ${role}`,
        '',
        '| Right | On | Only where | Why |',
        '| --- | --- | --- | --- |',
        ...rights
          .filter((right) => right.role === role)
          .map(
            (right) =>
              `| ${[cell(right.actions), cell(right.resources), cell(right.conditions), reasonOf(right) ?? ''].join(' | ')} |`,
          ),
      ]),
      '',
    ].join('\n'),
    withoutReason: rights
      .filter((right) => reasonOf(right) === undefined)
      .map(({ role, sid }) => `${role} ${sid}`),
    unused: all.filter((name) => !used.has(name)),
  };
}
