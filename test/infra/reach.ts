import { dirname, join, resolve, sep } from 'node:path';
import ts from 'typescript';
import type { FunctionName } from '../../lambdas/settings/index.ts';

/**
 * What a function's code can come to, followed through its sources: a declaration counts once something that counts
 * refers to it, and a method of an object once something asks the object's interface for it, or the object itself where a
 * function `createName` makes it.
 */
interface Reach {
  /** AWS actions of the commands, such as `dynamodb:GetItem`. */
  readonly actions: ReadonlySet<string>;
  /** Members of our own interfaces and of what our functions `createName` make, such as `SessionStore.read`. */
  readonly members: ReadonlySet<string>;
}

/** Package of a client → the service's name in IAM. */
const services: Readonly<Record<string, string>> = {
  'client-apigatewaymanagementapi': 'execute-api',
  'client-dynamodb': 'dynamodb',
  'client-kms': 'kms',
  'client-secrets-manager': 'secretsmanager',
};

/** The rights that a command takes: a transaction those of what it consists of, which is checks and updates. */
export const rightsFor = (command: string): readonly string[] => {
  if (command === 'TransactWriteItems') return ['ConditionCheckItem', 'UpdateItem'];
  if (command === 'PostToConnection') return ['ManageConnections'];
  return command === '' ? [] : [command];
};

const root = resolve(import.meta.dirname, '../..');
const sources = join(root, 'lambdas') + sep;

const isOurs = (node: ts.Node): boolean => node.getSourceFile().fileName.startsWith(sources);
const isCode = (node: ts.Node | undefined): boolean =>
  node !== undefined && (ts.isArrowFunction(node) || ts.isFunctionExpression(node));

/** Runs only when somebody refers to it by its name. */
const waitsForItsName = (node: ts.Node): boolean =>
  (ts.isFunctionDeclaration(node) && node.body !== undefined) ||
  ts.isClassDeclaration(node) ||
  (ts.isVariableDeclaration(node) && isCode(node.initializer));

const nameOf = (node: ts.Node): string | undefined =>
  ts.isFunctionDeclaration(node) || ts.isVariableDeclaration(node) ? node.name?.getText() : undefined;

/** `SessionStore` for a method of the object that `createSessionStore` returns. */
function makerOf(method: ts.Node): string | undefined {
  const isMethod =
    ts.isMethodDeclaration(method) || (ts.isPropertyAssignment(method) && isCode(method.initializer));
  if (!isMethod || !ts.isObjectLiteralExpression(method.parent)) return undefined;
  let made: ts.Node = method.parent.parent;
  while (ts.isParenthesizedExpression(made) || ts.isReturnStatement(made) || ts.isBlock(made)) {
    made = made.parent;
  }
  return /^create([A-Z].*)$/.exec(nameOf(ts.isArrowFunction(made) ? made.parent : made) ?? '')?.[1];
}

const entries = join(sources, 'functions');
let read: ((name: FunctionName) => Reach) | undefined;
const known = new Map<FunctionName, Reach>();

/** The reach of a function. The sources are read once for all test files of a worker. */
export function reachOf(name: FunctionName): Reach {
  const found = known.get(name) ?? (read ??= createReach())(name);
  known.set(name, found);
  return found;
}

/** Reads the sources as the compiler does. */
function createReach(): (name: FunctionName) => Reach {
  const config = ts.readConfigFile(join(root, 'tsconfig.json'), (file) => ts.sys.readFile(file));
  const { options } = ts.parseJsonConfigFileContent(config.config, ts.sys, root);
  const program = ts.createProgram(
    ts.sys.readDirectory(entries, ['.ts']).map((file) => file),
    options,
  );
  const checker = program.getTypeChecker();

  return (name) => {
    const actions = new Set<string>();
    const members = new Set<string>();
    const seen = new Set<ts.Node>();
    const asked = new Set<ts.Node>();
    const waiting = new Map<ts.Node, ts.Node[]>();

    /** Looks at everything in a node that has come to count. */
    const enter = (node: ts.Node): void => {
      if (seen.has(node)) return;
      seen.add(node);
      ts.forEachChild(node, walk);
    };

    const ask = (declaration: ts.Node): void => {
      if (asked.has(declaration)) return;
      asked.add(declaration);
      const { parent } = declaration;
      if (ts.isInterfaceDeclaration(parent) && ts.isTypeElement(declaration)) {
        members.add(`${parent.name.text}.${declaration.name?.getText() ?? ''}`);
      }
      const maker = makerOf(declaration);
      if (maker !== undefined && ts.isObjectLiteralElement(declaration)) {
        members.add(`${maker}.${declaration.name?.getText() ?? ''}`);
      }
      for (const implementation of waiting.get(declaration) ?? []) enter(implementation);
    };

    const refer = (found: ts.Symbol | undefined): void => {
      if (found === undefined) return;
      const symbol = found.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(found) : found;
      for (const declaration of symbol.declarations ?? []) {
        const [, client] = /@aws-sdk\/(client-[a-z-]+)\//.exec(declaration.getSourceFile().fileName) ?? [];
        if (client !== undefined && ts.isClassDeclaration(declaration)) sdk(client, symbol.name);
        else if (client !== undefined && symbol.flags & (ts.SymbolFlags.Function | ts.SymbolFlags.Variable)) {
          // Some functions of the SDK send commands of their own.
          throw new Error(`${symbol.name} of ${client}: which actions does it take?`);
        } else if (isOurs(declaration)) {
          if (waitsForItsName(declaration)) enter(declaration);
          if (ts.isTypeElement(declaration) || makerOf(declaration) !== undefined) ask(declaration);
        }
      }
    };

    const sdk = (client: string, className: string): void => {
      const service = services[client];
      const command = /^(.+)Command$/.exec(className)?.[1];
      if (service === undefined) throw new Error(`the client ${client} has no name in IAM here`);
      for (const action of rightsFor(command ?? '')) actions.add(`${service}:${action}`);
    };

    /** The interface member of ours that a function in an object literal implements; itself where that is its only type. */
    const implemented = (node: ts.Node): ts.Node | undefined => {
      const isMethod =
        ts.isMethodDeclaration(node) || (ts.isPropertyAssignment(node) && isCode(node.initializer));
      if (!isMethod || !ts.isObjectLiteralExpression(node.parent)) return undefined;
      const type = checker.getContextualType(node.parent);
      const name = ts.isComputedPropertyName(node.name) ? undefined : node.name.text;
      const member = type && name === undefined ? undefined : type?.getProperty(name ?? '');
      return (
        member?.declarations?.find((declaration) => ts.isTypeElement(declaration) && isOurs(declaration)) ??
        (makerOf(node) === undefined ? undefined : node)
      );
    };

    const walk = (node: ts.Node): void => {
      if (ts.isTypeNode(node) || ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node)) return;
      if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) {
        const typeOnly = ts.isImportDeclaration(node)
          ? node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword
          : node.isTypeOnly;
        const from = node.moduleSpecifier;
        if (from !== undefined && !typeOnly && ts.isStringLiteral(from)) load(from, node);
        return;
      }
      if (waitsForItsName(node)) return;
      const member = implemented(node);
      if (member !== undefined) {
        waiting.set(member, [...(waiting.get(member) ?? []), node]);
        if (asked.has(member)) enter(node);
        return;
      }
      if (ts.isIdentifier(node) || ts.isStringLiteralLike(node)) {
        refer(
          ts.isShorthandPropertyAssignment(node.parent)
            ? checker.getShorthandAssignmentValueSymbol(node.parent)
            : checker.getSymbolAtLocation(node),
        );
        return;
      }
      // Taking an object apart asks it for what is taken.
      if (ts.isObjectBindingPattern(node)) {
        const type = checker.getTypeAtLocation(node);
        for (const element of node.elements) {
          const taken = element.propertyName ?? element.name;
          if (ts.isIdentifier(taken)) refer(type.getProperty(taken.text));
        }
      }
      // Who copies an object may ask the copy for anything.
      if (ts.isSpreadAssignment(node)) {
        for (const property of checker.getTypeAtLocation(node.expression).getProperties()) refer(property);
      }
      ts.forEachChild(node, walk);
    };

    const load = (from: ts.StringLiteral, node: ts.Node): void => {
      if (!from.text.startsWith('.')) return;
      const file = program.getSourceFile(join(dirname(node.getSourceFile().fileName), from.text));
      if (file === undefined) throw new Error(`no source ${from.text} of ${node.getSourceFile().fileName}`);
      enter(file);
    };

    const entry = program.getSourceFile(join(entries, `${name}.ts`));
    if (entry === undefined) throw new Error(`no entry point for ${name}`);
    enter(entry);
    return { actions, members };
  };
}
