/** Servers with rewrite programs made at random, and requests for them: the same for the same seed (rewrite.test.ts). */
import type { Group } from "./rewrite-cases.ts";

const VARIABLES = ["$x", "$y", "$z"];
const READ = [
  "$uri",
  "$args",
  "$arg_a",
  "$arg_b",
  "$1",
  "$2",
  "$n",
  "$m",
  "$request_method",
  "$is_args",
  "$request_uri",
];
const EXPRESSIONS = [
  ...["^/a(.*)$", "^/(.)(.*)$", "^", "^/b/", "(?<n>[a-z])$", "^/(?<m>[^/]*)/(?<n>.*)", "b", "^/c", "\\.txt$"],
  ...["^/(a|b)?/?(.*)$", "^/a/(.*)/(.*)$", "[0-9]+", "^/[^a]"],
];
const REPLACEMENTS = [
  ...[
    "/a$2",
    "/b$1",
    "/b/$1",
    "/c",
    "/f.txt",
    "/a/b",
    "/dir/",
    "/dir",
    "/$n",
    "/$m/$n",
    "/x$uri",
    "/a?q=$1",
    "/b?$1&z",
    "/c?",
  ],
  ...[
    "/b$1?",
    "/dir/g.txt?k=$2?",
    "/$x",
    "http://h.test/$1",
    "https://h.test$uri?",
    "$scheme://h.test/$2?w=$1",
    "$uri",
  ],
  ...["/$1$2", "/a b", "/%41$1", "/a?x?y"],
];
const FLAGS = ["", "", "last", "last", "break", "break", "redirect", "permanent"];
const SHOW = "$uri|$args|$x|$y|$z|$1|$2|$n|$m";
const RETURNS = [`200 "r:${SHOW}"`, "403", "301 /m$uri", "204", '404 "t$x"', "302 http://o.test$request_uri"];
const FILES = ["$request_filename", "$document_root/f.txt", "$document_root$uri", "$document_root/$1"];
const PATHS = [
  ...[
    "/",
    "/a",
    "/a/b",
    "/a/b/c",
    "/b/",
    "/b/x",
    "/c",
    "/f.txt",
    "/dir/g.txt",
    "/dir",
    "/dir/",
    "/xab",
    "/x1",
    "/none",
    "/a%20b",
  ],
  ...["/a/%3f%26", "/b/a+b", "/A1", "/a.txt", "/%c3%a4/b"],
];
const QUERIES = ["", "", "?a=1", "?a=b&b=a", "?b=0", "?a=%20&x", "?"];

/** Makes the parts of one configuration. */
class Maker {
  /** @param state of xorshift32; not 0 */
  constructor(private state: number) {}

  private below(limit: number): number {
    this.state ^= this.state << 13;
    this.state ^= this.state >>> 17;
    this.state = (this.state ^ (this.state << 5)) >>> 0;
    return this.state % limit;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)]!;
  }

  some(most: number, make: () => string): string {
    return Array.from({ length: this.below(most + 1) }, make).join("\n");
  }

  private value(): string {
    const part = (): string =>
      this.below(2) ? braced(this.pick([...VARIABLES, ...READ])) : this.pick([..."ab10-/?", "x y", "%20"]);
    return `"${Array.from({ length: this.below(4) }, part).join("")}"`;
  }

  private condition(): string {
    const variable = this.pick([...VARIABLES, "$uri", "$arg_a", "$args", "$arg_b", "$n", "$request_method"]);
    const expression = this.pick(EXPRESSIONS);
    return this.pick([
      `(${variable})`,
      `( ${variable} = ${this.value()} )`,
      `(${variable} != ${this.value()})`,
      `(${variable} ~ "${expression}")`,
      `(${variable} ~* "${expression}" )`,
      `(${variable} !~ "${expression}")`,
      `(${this.pick(["-f", "!-f", "-d", "-e", "!-e", "!-d"])} ${this.pick(FILES)})`,
      `(${variable} = ${this.pick(["a", "1", "''", "GET", "/a"])})`,
    ]);
  }

  /** @param extra what may stand there beside steps */
  step(extra: readonly string[], depth = 0): string {
    const set = `set ${this.pick([...VARIABLES, ...VARIABLES, "$args"])} ${this.value()};`;
    const rewrite = `rewrite "${this.pick(EXPRESSIONS)}" "${this.pick(REPLACEMENTS)}" ${this.pick(FLAGS)};`;
    const other = this.pick([set, set, "break;", `return ${this.pick(RETURNS)};`, ...extra]);
    const choices = [set, set, rewrite, rewrite, rewrite, other];
    if (depth > 0) return this.pick([...choices, ...extra]);
    const inner = (): string => this.some(3, () => this.step(extra, 1));
    return this.pick([...choices, ...[0, 1, 2].map(() => `if ${this.condition()} { ${inner()} }`)]);
  }

  location(pattern: string): string {
    const extra = ["add_header X-If $x;", "error_page 404 /f.txt;", 'add_header X-A "$1$n";'];
    const inIf = (): string => this.step(extra);
    const rest = [
      this.below(3) ? `return 200 "s:${SHOW}";` : "",
      this.below(4) ? "" : "add_header X-Loc $uri;",
      this.below(5) ? "" : "try_files $uri /c =404;",
    ];
    return `location ${pattern} { ${this.some(4, inIf)} ${rest.join(" ")} }`;
  }
}

/** A group's number cannot stand in braces. */
const braced = (variable: string): string => (/\d/.test(variable) ? variable : `\${${variable.slice(1)}}`);

const PATTERNS = ["/", "/a", "/b/", "= /c", "~ \\.txt$", "~ ^/x(.)(?<m>.*)$"];

export function randomGroups(seed: number, count: number, requests: number): Group[] {
  return Array.from({ length: count }, (_, i) => {
    const maker = new Maker((Math.imul(seed * 1000 + i + 1, 0x9e3779b1) >>> 0) + 1);
    const steps = maker.some(3, () => maker.step([]));
    const locations = PATTERNS.map((pattern) => maker.location(pattern)).join("\n");
    return {
      name: `made at random, ${seed}.${i}`,
      server: ({ root }) => `root ${root}; uninitialized_variable_warn off;\n${steps}\n${locations}`,
      requests: Array.from(
        { length: requests },
        () => maker.pick(["", "", "", "HEAD "]) + maker.pick(PATHS) + maker.pick(QUERIES),
      ),
    };
  });
}
