/**
 * Every source file of ffi/ and src/ as the compiler's own parser sees it: what it imports and exports, its classes and
 * its functions. test/unit/architecture.test.ts compares this with the design.
 */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import {
  type CallExpression,
  type ClassDeclaration,
  type ExportDeclaration,
  type ImportDeclaration,
  ModifierFlags,
  type Node,
  type SourceFile,
  SyntaxKind,
} from "typescript/unstable/ast";
import {
  isBindingElement,
  isClassDeclaration,
  isConstructorDeclaration,
  isExportDeclaration,
  isIdentifier,
  isImportDeclaration,
  isNamedImports,
  isNamespaceImport,
  isVariableStatement,
} from "typescript/unstable/ast/is";
import { API } from "typescript/unstable/async";

export const ROOT = join(import.meta.dir, "../..");

/** One `import` or `export ... from`. */
export interface Import {
  readonly specifier: string;
  /** Names taken from the other file; "*" for the whole of it. */
  readonly names: readonly string[];
}

export interface Class {
  readonly name: string;
  readonly isAbstract: boolean;
  /** What stands behind `extends`: a name, or the text of an expression. */
  readonly base: string | null;
}

/** A function that has a name: declared, a method, an accessor, a constructor, or an arrow function given to a name. */
export interface NamedFunction {
  readonly name: string;
  readonly lines: number;
}

export interface Source {
  /** From the root of the project, such as "src/main.ts". */
  readonly path: string;
  /** The text without comments, so that prose may name what code may not use. */
  readonly code: string;
  readonly lines: number;
  readonly imports: readonly Import[];
  readonly exports: readonly string[];
  readonly classes: readonly Class[];
  readonly functions: readonly NamedFunction[];
}

/** The sources below `folders`, read by one run of the compiler's parser (about 2 s). */
export async function readSources(folders: readonly string[]): Promise<Source[]> {
  const api = new API({ cwd: ROOT });
  try {
    const snapshot = await api.updateSnapshot({ openProjects: [join(ROOT, "tsconfig.json")] });
    const program = snapshot.getProjects()[0]!.program;
    const read = async (path: string): Promise<Source> => {
      const tree = await program.getSourceFile(join(ROOT, path));
      if (tree === undefined) throw new Error(`the compiler knows nothing of ${path}: tsconfig.json must include it`);
      return describeSource(path, readFileSync(join(ROOT, path), "utf8"), tree);
    };
    return await Promise.all(folders.flatMap(typeScriptIn).map(read));
  } finally {
    await api.close();
  }
}

/** Paths from the root of the TypeScript files below a folder. */
export function typeScriptIn(folder: string): string[] {
  const names = readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" });
  return names.filter((name) => name.endsWith(".ts")).map((name) => join(folder, name));
}

/** Where a relative import of a source leads, as a path from the root. */
export function target(source: Source, specifier: string): string {
  return join(dirname(source.path), specifier);
}

function describeSource(path: string, text: string, tree: SourceFile): Source {
  const nodes = descendants(tree);
  return {
    path,
    code: withoutComments(text),
    lines: text.split("\n").length - 1,
    imports: nodes.flatMap((node) => importOf(node) ?? []),
    exports: tree.statements.flatMap(exportedNames),
    classes: nodes.filter(isClassDeclaration).map(classOf),
    functions: nodes.flatMap((node) => namedFunction(node, text) ?? []),
  };
}

function descendants(node: Node): Node[] {
  const all: Node[] = [];
  const visit = (child: Node): void => {
    all.push(child);
    child.forEachChild(visit);
  };
  node.forEachChild(visit);
  return all;
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|[^:"'`\\])\/\/.*$/gm, "$1");
}

function importOf(node: Node): Import | undefined {
  if (isImportDeclaration(node)) return { specifier: stringOf(node.moduleSpecifier), names: importedNames(node) };
  if (isExportDeclaration(node) && node.moduleSpecifier !== undefined) {
    return { specifier: stringOf(node.moduleSpecifier), names: reexportedNames(node) };
  }
  return isImportExpression(node) ? { specifier: importedPath(node), names: ["*"] } : undefined;
}

/** `import("x")`, as a value or as a type. */
function isImportExpression(node: Node): boolean {
  if (node.kind === SyntaxKind.ImportType) return true;
  return (
    node.kind === SyntaxKind.CallExpression && (node as CallExpression).expression.kind === SyntaxKind.ImportKeyword
  );
}

const importedPath = (node: Node): string => /"([^"]+)"/.exec(node.getText())?.[1] ?? node.getText();

const stringOf = (literal: Node): string => (literal as unknown as { text: string }).text;

function importedNames({ importClause }: ImportDeclaration): string[] {
  if (importClause === undefined) return [];
  const bindings = importClause.namedBindings;
  const names = importClause.name === undefined ? [] : ["default"];
  if (bindings === undefined) return names;
  if (isNamespaceImport(bindings)) return [...names, "*"];
  if (!isNamedImports(bindings)) return names;
  return [...names, ...bindings.elements.map((element) => stringOf(element.propertyName ?? element.name))];
}

function reexportedNames({ exportClause }: ExportDeclaration): string[] {
  if (exportClause === undefined || !("elements" in exportClause)) return ["*"];
  return exportClause.elements.map((element) => stringOf(element.propertyName ?? element.name));
}

function exportedNames(statement: Node): string[] {
  if (isExportDeclaration(statement)) {
    const clause = statement.exportClause;
    return clause !== undefined && "elements" in clause ? clause.elements.map((element) => stringOf(element.name)) : [];
  }
  if (!hasModifier(statement, ModifierFlags.Export)) return [];
  if (isVariableStatement(statement))
    return statement.declarationList.declarations.flatMap((each) => boundNames(each.name));
  const name = nameOf(statement);
  return name === undefined ? [] : [name];
}

/** The names that a declaration binds: one, or those of a pattern. */
function boundNames(name: Node | undefined): string[] {
  if (name === undefined) return [];
  if (isIdentifier(name)) return [name.text];
  return descendants(name)
    .filter(isBindingElement)
    .flatMap((element) => boundNames(element.name));
}

function hasModifier(node: Node, flag: ModifierFlags): boolean {
  const modifiers = (node as { modifiers?: readonly Node[] }).modifiers ?? [];
  const kind = flag === ModifierFlags.Export ? SyntaxKind.ExportKeyword : SyntaxKind.AbstractKeyword;
  return modifiers.some((modifier) => modifier.kind === kind);
}

function classOf(node: ClassDeclaration): Class {
  const clause = node.heritageClauses?.find((each) => each.token === SyntaxKind.ExtendsKeyword);
  const base = clause?.types[0]?.expression;
  return {
    name: node.name?.text ?? "(no name)",
    isAbstract: hasModifier(node, ModifierFlags.Abstract),
    base: base === undefined ? null : isIdentifier(base) ? base.text : base.getText(),
  };
}

/** The name that a declaration gives to what it declares. */
function nameOf(node: Node): string | undefined {
  const name = (node as { name?: Node }).name;
  return name === undefined ? undefined : ((name as { text?: string }).text ?? undefined);
}

const DECLARED = new Set([
  SyntaxKind.FunctionDeclaration,
  SyntaxKind.MethodDeclaration,
  SyntaxKind.GetAccessor,
  SyntaxKind.SetAccessor,
  SyntaxKind.Constructor,
]);
const HOLDERS = new Set([
  SyntaxKind.VariableDeclaration,
  SyntaxKind.PropertyDeclaration,
  SyntaxKind.PropertyAssignment,
]);
const EXPRESSIONS = new Set([SyntaxKind.ArrowFunction, SyntaxKind.FunctionExpression]);

function namedFunction(node: Node, text: string): NamedFunction | undefined {
  if (DECLARED.has(node.kind)) {
    if ((node as { body?: Node }).body === undefined) return undefined; // an overload, or abstract
    return {
      name: isConstructorDeclaration(node) ? "constructor" : (nameOf(node) ?? "?"),
      lines: lineCount(node, text),
    };
  }
  if (!HOLDERS.has(node.kind)) return undefined;
  const value = (node as { initializer?: Node }).initializer;
  if (value === undefined || !EXPRESSIONS.has(value.kind)) return undefined;
  return { name: nameOf(node) ?? "?", lines: lineCount(node, text) };
}

/** Lines from a node's first token to its last: what stands above it, a docstring too, does not count. */
function lineCount(node: Node, text: string): number {
  return text.slice(node.getStart(), node.end).split("\n").length;
}
