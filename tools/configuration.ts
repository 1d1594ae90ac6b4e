/** `docs/configuration.md`: every property, member, setting and option, with its type, default and comment, from the sources. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { functionSettings, readSettings, settingNames, SettingsError } from '../lambdas/settings/index.ts';
import { optionSpecs, variableOf } from '../local/cli/options.ts';

const root = path.resolve(import.meta.dirname, '..');
export const configurationFile = path.join(root, 'docs', 'configuration.md');

const sourceOf = (file: string): ts.SourceFile =>
  ts.createSourceFile(file, readFileSync(path.join(root, file), 'utf8'), ts.ScriptTarget.Latest, true);

const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ').trim();
const plain = (text: string): string => oneLine(text.replaceAll(/\{@link ([^}]+)\}/g, '`$1`'));
/** With a full stop at its end. */
const ended = (text: string): string => (/^$|[.)]$/.test(text) ? text : `${text}.`);

/** What a comment says, and its `@default`. */
function commentOf(node: ts.Node): { text: string; fallback: string | undefined } {
  const comments = ts.getJSDocCommentsAndTags(node).filter(ts.isJSDoc);
  const [text = '', ...tags] = comments
    .map((comment) =>
      comment
        .getText()
        .replace(/^\/\*\*|\*\/$/g, '')
        .replaceAll(/^\s*\*\s?/gm, ''),
    )
    .join('\n')
    .split(/(?:^|\s)@(?=[a-z]+\s)/);
  const fallback = tags.find((tag) => tag.startsWith('default '))?.replace(/^default (?:- )?/, '');
  return { text: plain(text), fallback: fallback === undefined ? undefined : plain(fallback) };
}

const line = (name: string, facts: readonly (string | undefined)[], meaning: string): string =>
  `- \`${name}\` (${facts.filter((fact) => fact !== undefined).join(', ')}): ${ended(meaning)}`.replace(
    /: $/,
    '',
  );

/** The members of an interface, a line each. */
function membersOf(file: string, name: string): string {
  const source = sourceOf(file);
  const found = source.statements.find(
    (node): node is ts.InterfaceDeclaration => ts.isInterfaceDeclaration(node) && node.name.text === name,
  );
  if (found === undefined) throw new Error(`${file} has no interface ${name}`);
  return found.members
    .filter(ts.isPropertySignature)
    .map((member) => {
      const { text, fallback } = commentOf(member);
      const isRequired = member.questionToken === undefined;
      return line(
        member.name.getText(source),
        [
          `\`${oneLine(member.type?.getText(source) ?? 'unknown')}\``,
          isRequired ? 'required' : fallback === undefined ? 'optional' : `default: ${fallback}`,
        ],
        text,
      );
    })
    .join('\n');
}

const probes = ['?', 'ftp://h', 'https://h/?q', 'https://h/a b', 'https://h/a//b'];

/** What the rule of a setting says that it refuses. */
function ruleOf(name: (typeof settingNames)[number]): string {
  const said = (value: string): string | undefined => {
    try {
      readSettings([name], { [name]: value });
      return undefined;
    } catch (error) {
      if (!(error instanceof SettingsError)) throw error;
      return /must be (.*), got /.exec(error.problems.join('; '))?.[1];
    }
  };
  const rules = [...new Set(probes.map(said).filter((rule) => rule !== undefined))];
  return (rules.length === 0 ? [said('\0') ?? ''] : rules).join('; ');
}

/** Setting → what its comment says. */
function settingComments(): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const visit = (node: ts.Node): void => {
    if (ts.isVariableDeclaration(node) && node.name.getText() === 'rules') {
      const { initializer } = node;
      const rules =
        initializer !== undefined && ts.isSatisfiesExpression(initializer)
          ? initializer.expression
          : initializer;
      if (rules === undefined || !ts.isObjectLiteralExpression(rules)) throw new Error('rules is no object');
      for (const rule of rules.properties) found.set(rule.name?.getText() ?? '', commentOf(rule).text);
    }
    ts.forEachChild(node, visit);
  };
  visit(sourceOf('lambdas/settings/rules.ts'));
  return found;
}

const settings = (): string => {
  const comments = settingComments();
  const readers = Object.entries(functionSettings);
  return settingNames
    .map((name) => {
      const read = readers.filter(([, names]) => names.some((one) => one === name)).map(([reader]) => reader);
      return line(
        name,
        [ruleOf(name)],
        `${ended(comments.get(name) ?? '')} Read by ${read.length === readers.length ? 'every function' : read.join(', ')}.`.trim(),
      );
    })
    .join('\n');
};

const options = (): string =>
  Object.entries(optionSpecs)
    .map(([name, { value, help, default: fallback, otherwise = fallback }]) =>
      line(
        `--${name}${value === undefined ? '' : ` ${value}`}`,
        [
          `or \`${variableOf(name as keyof typeof optionSpecs)}\``,
          otherwise === undefined ? undefined : `default: ${otherwise}`,
        ],
        help,
      ),
    )
    .join('\n');

/** The page as Markdown. */
export const configuration = (): string =>
  `${[
    '# Configuration',
    'Made from the sources by `npm run configuration`; a test compares them. [Deploy to AWS](deploying.md) says which of these you need.',
    '## `bff.config.ts`',
    'What is the app’s own and the same in every environment.',
    membersOf('manifest/bff-config.ts', 'BffConfig'),
    '## `Cis2Bff`',
    'Properties of the construct, beside those of `bff.config.ts`.',
    [
      membersOf('infra/parts/settings.ts', 'BehaviourProps'),
      membersOf('infra/cis2-bff.ts', 'Cis2BffProps'),
      membersOf('infra/parts/logs.ts', 'BffLogsProps'),
    ].join('\n'),
    '## `infra/environments.ts`',
    'An entry has the properties above that are not constructs, and these.',
    [
      membersOf('infra/environments.ts', 'Environment'),
      membersOf('infra/parts/storage.ts', 'BffStorageProps'),
    ].join('\n'),
    'Members of `firewall`:',
    membersOf('infra/parts/firewall.ts', 'FirewallProps'),
    '## `cis2-bff dev`',
    'Each option can also be an environment variable. An option wins.',
    options(),
    '## Settings of the functions',
    'Environment variables that the construct sets, each with the rule that is checked at synth and when a function starts. Nothing secret is ever one.',
    settings(),
  ].join('\n\n')}\n`;

if (import.meta.main) writeFileSync(configurationFile, configuration());
