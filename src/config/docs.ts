/** Writes the reference of the configuration language: an introduction and every row of the directive table. */

import { ANSWERERS } from "../routing/answering.ts";
import { DIRECTIVES, rowOf, THEMES } from "./directives.ts";
import type { Row } from "./table.ts";
import type { DeclaredVariable } from "./variables.ts";

/** The text of docs/configuration.md, including the server's variables. */
export function configurationReference(declared: readonly DeclaredVariable[]): string {
  const themes = THEMES.map(([title, rows]) => `## ${title}\n\n${firsts(rows).map(section).join("\n")}`);
  return [INTRODUCTION, contents(), ...themes, answerers(), variables(declared)].join("\n");
}

const INTRODUCTION = `# Configuration

<!-- Made by tools/document.ts from the table in src/config/directives/. Do not edit. -->

Webserv reads nginx's language: [nginx-directives.md](nginx-directives.md) says of each of nginx's directives what becomes of it here.

    server {
        listen       8080;
        server_name  example.org www.example.org;
        root         www;

        location /files/ {
            autoindex on;
        }
        location ~ \\.bak$ {
            return 404;
        }
    }

**Words.** A directive is a name, its arguments and a \`;\`, or a block in \`{ }\`. Words are separated by blanks and line ends. A word
with blanks, \`;\` or \`{\` in it is put in \`"\` or \`'\`; in words, \`\\"\`, \`\\'\` and \`\\\\\` are those characters and \`\\t\`, \`\\r\`, \`\\n\` the control
characters; other backslashes stay, for regular expressions. \`#\` at the start of a word begins a comment.

**Blocks.** \`http { }\` and \`events { }\` are optional: what belongs in them may stand at the top level. A block inherits the settings of those
around it. A directive replaces what is inherited, lists included: one \`add_header\` in a location drops all those of its server.
\`return\` and the other steps of rewriting, \`try_files\`, \`limit_except\` and \`*_pass\` are not inherited.

**Sizes** are bytes, or have a unit: \`8k\`, \`5m\`, \`1g\`. **Times** are seconds, or have units, the largest first: \`500ms\`, \`30s\`, \`5m\`, \`1h30m\`,
\`2d\`, \`1w\`, \`1M\` (30 days), \`1y\`.

**Paths** that do not start with \`/\` are relative to the prefix: the folder above the configuration's folder, or that of \`--prefix\`.
\`include\` is relative to the main configuration file's own folder.

**Which server.** Of the servers that share the address, the first whose name is the request's host: an exact name, then the longest name
\`*.x.org\`, the longest \`x.*\`, the first regular expression in the order of the file; else the address' default server.

**Which location.** \`= PATH\` that equals the path; else the longest prefix is remembered. If that has \`^~\`, it is taken; if not, the first regular
expression that matches (in the order of the file) is taken before it. Within a location, the same goes for those nested in it.

**Rewriting.** \`set\`, \`if\`, \`rewrite\`, \`break\` and \`return\` are steps, done in the order written: the server's before the location is looked up (and again after an
internal redirect), then the location's. A path that they have changed is looked up again, ten times at most; then 500. An \`if\` in a location is a location within: it
inherits what the one around it says, and who answers (\`proxy_pass\`), but not \`try_files\`. Of several that hold, the settings of the last one apply.

**Regular expressions** are Perl's, as in nginx; the few that have no equivalent are refused: see [expressions.md](expressions.md). Groups are \`$1\`
to \`$9\`, named ones (\`(?<name>...)\`, \`(?'name'...)\` or \`(?P<name>...)\`) are \`$name\`.

**Mistakes** are all reported in one run, with file, line and column, and the server does not start. With \`--keep-going\` it starts without the
server blocks that have any.
`;

function contents(): string {
  const lines = THEMES.map(([title, rows]) => {
    const links = firsts(rows)
      .map((row) => `[${heading(row)}](#${anchorOf(row)})`)
      .join(", ");
    return `- **${title}**: ${links}`;
  });
  return `## Directives\n\n${lines.join("\n")}\n- [Who answers](#who-answers)\n- [Variables](#variables)\n`;
}

/** Without the directives that a family has like `proxy_*`: they are told together. */
function firsts(rows: readonly Row[]): readonly Row[] {
  const names = new Set(rows.map(({ name }) => name));
  return rows.filter(({ name }) => !PREFIX.test(name) || !names.has(name.replace(PREFIX, "proxy_")));
}

const PREFIX = /^(?:fastcgi|uwsgi|scgi)_/;

/** The other families' directives that are told with this one. */
function siblings({ name }: Row): string[] {
  const others = THEMES.flatMap(([, rows]) => (rows.some((row) => row.name === name) ? rows : []));
  return others
    .map((row) => row.name)
    .filter((other) => PREFIX.test(other) && other.replace(PREFIX, "proxy_") === name);
}

/** The anchor of the section that tells of a directive. */
export function anchorOf(row: Row): string {
  const first = PREFIX.test(row.name) ? DIRECTIVES.get(row.name.replace(PREFIX, "proxy_")) : undefined;
  return heading(first ?? row).replace(/\W+/g, "-");
}

/** A name that means something else in an `upstream` has that added. */
function heading(row: Row): string {
  return row.in[0] === "upstream" && rowOf(row.name, "http") !== row ? `${row.name} in upstream` : row.name;
}

function section(row: Row): string {
  const syntax = `${row.name}${row.syntax === "" ? "" : ` ${row.syntax}`}${row.block === null ? ";" : " { ... }"}`;
  const facts = [
    `- Syntax: \`${syntax}\``,
    ...(row.shownDefault === "" ? [] : [`- Default: \`${row.shownDefault}\``]),
    `- In: ${row.in.map((context) => (context === "main" ? "the top level" : context)).join(", ")}`,
    ...(row.repeats && row.name !== "include" ? ["- May be repeated"] : []),
    ...(siblings(row).length > 0
      ? [
          `- Likewise: ${siblings(row)
            .map((name) => `\`${name}\``)
            .join(", ")}`,
        ]
      : []),
  ];
  return `### ${heading(row)}\n\n${row.help}\n\n${facts.join("\n")}\n`;
}

/** The section about which handler answers: the rows in the server's order. */
function answerers(): string {
  const list = (methods: readonly string[] | null): string => (methods === null ? "any" : methods.join(" "));
  const rows = ANSWERERS.map(
    ({ name, byDefault, performs, body }) => `| ${name} | ${list(byDefault)} | ${list(performs)} | ${body} |`,
  );
  return `## Who answers

In a location the first of these that is there and for which the request is, after an \`index\` and what \`try_files\` leads on to were followed.
A method that it does not answer gets 405, one that nobody knows 501; OPTIONS then tells which there are. \`files\` are everywhere; \`tus\` is there with
\`upload_store\`, for requests of its protocol.

| who | methods without \`allowed_methods\` | methods that it may list | a request's body is |
| --- | --- | --- | --- |
${rows.join("\n")}
`;
}

function variables(declared: readonly DeclaredVariable[]): string {
  const rows = declared.map(({ name, isFamily, help }) => `| \`$${name}${isFamily ? "NAME" : ""}\` | ${help} |`);
  return `## Variables

Wherever nginx takes variables (\`return\`, \`rewrite\`, \`if\`, \`set\`, \`map\`, \`root\`, \`alias\`, \`index\`, \`try_files\`, \`error_page\`, \`add_header\`, \`expires\`, \`charset\`, \`auth_basic\`, \`limit_rate\`, \`access_log\`, \`log_format\`, \`*_pass\`, \`*_param\`, \`proxy_set_header\`, \`*_cache_key\` and others), and in \`cgi_param\`, \`$name\` and \`\${name}\` stand for:

| variable | value |
| --- | --- |
${rows.join("\n")}
| \`$1\` to \`$9\`, \`$NAME\` | the groups of the regular expression that matched last (that of a location, a server's name, \`if\`, \`rewrite\`, \`map\`), and the named ones of those before |
| \`$NAME\` | what \`set\`, \`map\`, \`geo\`, \`split_clients\` and \`auth_request_set\` define |
`;
}
