/**
 * The reference of every entry point, from the declarations of the built package: what is exported, as it is declared and
 * with its comments. A change of the public API is a change of this text.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';

const root = path.resolve(import.meta.dirname, '..');
export const referenceFile = path.join(root, 'docs', 'api-reference.md');

interface Declaration {
  readonly text: string;
  readonly comment: string;
}

const sources = new Map<string, ts.SourceFile>();
function sourceOf(file: string): ts.SourceFile {
  const known = sources.get(file);
  if (known !== undefined) return known;
  const parsed = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true);
  sources.set(file, parsed);
  return parsed;
}

const besides = (file: string, specifier: ts.Expression | undefined): string | undefined =>
  specifier !== undefined && ts.isStringLiteral(specifier) && specifier.text.startsWith('.')
    ? path.resolve(path.dirname(file), specifier.text.replace(/\.js$/, '.d.ts'))
    : undefined;

const isExported = (node: ts.Node): boolean =>
  ts.canHaveModifiers(node) &&
  (ts.getModifiers(node) ?? []).some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword);

/** The comment before a declaration, without its stars. */
function commentOf(node: ts.Node, text: string): string {
  const comment = (ts.getLeadingCommentRanges(text, node.getFullStart()) ?? [])
    .map(({ pos, end }) => text.slice(pos, end))
    .findLast((found) => found.startsWith('/**'));
  return (comment ?? '')
    .replace(/^\/\*\*\s?|\s*\*\/$/g, '')
    .split('\n')
    .map((line) => line.replace(/^\s*\* ?/, ''))
    .join('\n')
    .trim();
}

/** Exported name → its declarations, for a module of declarations. */
function exportsOf(file: string): Map<string, readonly Declaration[]> {
  const source = sourceOf(file);
  const found = new Map<string, readonly Declaration[]>();
  const add = (name: string, declarations: readonly Declaration[]): void => {
    found.set(name, [...(found.get(name) ?? []), ...declarations]);
  };
  for (const node of source.statements) {
    if (ts.isExportDeclaration(node)) {
      const from = besides(file, node.moduleSpecifier);
      if (from === undefined) continue;
      const theirs = exportsOf(from);
      if (node.exportClause === undefined) theirs.forEach((declarations, name) => add(name, declarations));
      else if (ts.isNamedExports(node.exportClause)) {
        for (const { name, propertyName } of node.exportClause.elements) {
          add(name.text, theirs.get((propertyName ?? name).text) ?? []);
        }
      }
    } else if (isExported(node)) {
      const declaration = { text: node.getText(source), comment: commentOf(node, source.text) };
      if (ts.isVariableStatement(node)) {
        for (const { name } of node.declarationList.declarations) add(name.getText(source), [declaration]);
      } else if ('name' in node && node.name !== undefined) {
        add((node.name as ts.Identifier).text, [declaration]);
      }
    }
  }
  return found;
}

/**
 * The reference as Markdown.
 *
 * @param directory - of the package, with its `dist/`
 */
export function apiReference(directory: string): string {
  const { exports } = JSON.parse(readFileSync(path.join(directory, 'package.json'), 'utf8')) as {
    exports: Record<string, { types?: string } | string>;
  };
  const sections = Object.entries(exports).flatMap(([entry, target]) => {
    if (typeof target === 'string' || target.types === undefined) return [];
    const declared = [...exportsOf(path.join(directory, target.types))].sort(([one], [other]) =>
      one.localeCompare(other, 'en'),
    );
    return [
      `## \`${entry.replace('.', 'cis2-bff')}\``,
      ...declared.map(([name, declarations]) =>
        [
          `### ${name}`,
          ...declarations.flatMap(({ text, comment }) => [
            ...(comment === '' ? [] : [comment]),
            `\`\`\`ts\n${text}\n\`\`\``,
          ]),
        ].join('\n\n'),
      ),
    ];
  });
  return `${[
    '# API reference',
    'Made from the declarations of the package by `npm run api-reference`; a test compares them.',
    ...sections,
  ].join('\n\n')}\n`;
}

if (import.meta.main) {
  if (!existsSync(path.join(root, 'dist'))) throw new Error('there is no dist/: run npm run prepack first');
  writeFileSync(referenceFile, apiReference(root));
}
