/** Writes docs/nginx-directives.md: what becomes here of every directive of nginx. The states are those of the table of directives. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { refusalOf } from "../../src/config/directives/foreign/refused.ts";
import { WITHOUT_EFFECT } from "../../src/config/directives/foreign/without-effect.ts";
import { rowOf } from "../../src/config/directives.ts";
import { anchorOf } from "../../src/config/docs.ts";
import type { Context } from "../../src/config/scope.ts";

/** A directive of nginx. */
export interface NginxDirective {
  readonly name: string;
  readonly module: string;
  /** The blocks that nginx allows it in, of those that Webserv has too. */
  readonly in: readonly Context[];
  /** The version of nginx that brought it; "": 1.22 or an earlier one. */
  readonly since: string;
}

type State = "works" | "without effect" | "not supported";

const PLACES: Readonly<Record<string, Context>> = {
  m: "main",
  e: "events",
  h: "http",
  s: "server",
  l: "location",
  x: "limit_except",
  u: "upstream",
};

/** All directives of nginx, in the order of its modules. */
export function nginxDirectives(): NginxDirective[] {
  const found: NginxDirective[] = [];
  let module = "";
  for (const line of readFileSync(join(import.meta.dir, "directives.txt"), "utf8").split("\n")) {
    if (line.startsWith("ngx_")) module = line;
    else if (line.startsWith("  "))
      found.push(
        ...line
          .trim()
          .split(" ")
          .map((entry) => parse(entry, module)),
      );
  }
  return found;
}

function parse(entry: string, module: string): NginxDirective {
  const [name, places, since = ""] = entry.split(":");
  return { name: name!, module, in: [...places!].flatMap((letter) => PLACES[letter] ?? []), since };
}

/** What becomes of a directive, and why. Undefined: the tables do not know it. */
export function stateOf({ name, in: places }: NginxDirective): { state: State; note: string } | undefined {
  const found = rowOf(name, places[0] ?? "http");
  const row = found?.in.some((place) => places.includes(place)) || places.length === 0 ? found : undefined;
  if (row?.idle) return { state: "without effect", note: row.idle };
  if (row !== undefined) return { state: "works", note: `[configuration.md](configuration.md#${anchorOf(row)})` };
  const reason = WITHOUT_EFFECT.get(name);
  if (reason !== undefined) return { state: "without effect", note: reason };
  const instead = refusalOf(name);
  return instead === undefined ? undefined : { state: "not supported", note: instead };
}

/** The text of docs/nginx-directives.md. */
export function nginxPage(): string {
  const all = nginxDirectives();
  const modules = [...new Set(all.map(({ module }) => module))];
  return `# nginx's directives

<!-- Made by tools/document.ts from tools/nginx/directives.txt and the table in src/config/directives/. Do not edit. -->

Every directive of nginx's core, its HTTP modules and those that come with it, up to nginx 1.22, and some newer ones (with their version). One without effect is
accepted with a warning, because it would make no difference; one that is not supported is refused with a line that names file, line and column.
\`load_module\` is accepted: a module's directives are refused where they are used. \`stream\` and \`mail\` are refused as a whole; with \`--keep-going\` the rest is served.
The defaults that differ from nginx's on purpose: [nginx-differences.md](nginx-differences.md).

${modules.map((module) => section(module, all)).join("\n")}`;
}

function section(module: string, all: readonly NginxDirective[]): string {
  const rows = all.filter((one) => one.module === module).map(line);
  return `## ${module}\n\n| directive | here | why, or what instead |\n| --- | --- | --- |\n${rows.join("\n")}\n`;
}

function line(one: NginxDirective): string {
  const { state, note } = stateOf(one) ?? { state: "unknown", note: "" };
  const place = one.in[0] === "upstream" ? " in `upstream`" : "";
  const since = one.since === "" ? "" : ` (${one.since})`;
  return `| \`${one.name}\`${place}${since} | ${state} | ${note} |`;
}
