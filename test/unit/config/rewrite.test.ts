/** The rewrite directives: what is read of them, what `if` inherits, and what is refused, of which nginx is asked too. */
import { describe, expect, test } from "bun:test";
import type { Location } from "../../../src/config/model.ts";
import type { RewriteStep, Test } from "../../../src/config/settings/rewrite.ts";
import { config, load, location, messages, settings } from "./fake-files.ts";
import { hasNginx, inServer, nginxTakes } from "./nginx.ts";

/** A test in short: `$x = "text"`, with `not` before what is negated. */
function brief(step: RewriteStep | undefined): string {
  if (step?.kind !== "if") return "no if";
  const { test: asked } = step;
  const not = "negated" in asked && asked.negated ? "not " : "";
  return not + words(asked);
}

function words(asked: Test): string {
  switch (asked.kind) {
    case "isSet":
      return asked.subject.text;
    case "equals":
      return `${asked.subject.text} = <${asked.value.text}>`;
    case "matches":
      return `${asked.subject.text} ~${asked.pattern.source === "" ? "" : " "}<${asked.pattern.source}>`;
    case "file":
      return `${asked.is} <${asked.path.text}>`;
  }
}

describe("conditions as nginx reads them", () => {
  const READ: readonly (readonly [text: string, read: string])[] = [
    ["($host)", "$host"],
    ["( $host )", "$host"],
    ["( $host)", "$host"],
    ["($host )", "$host"],
    ["($host = a)", "$host = <a>"],
    ['($host = "a b")', "$host = <a b>"],
    ['($host = "a b" )', "$host = <a b>"],
    ["( $host = 'a;b{c' )", "$host = <a;b{c>"],
    ["($host = '')", "$host = <>"],
    ['($host = "")', "$host = <>"],
    ["($host = $arg_a.x)", "$host = <$arg_a.x>"],
    ["($host = =)", "$host = <=>"],
    ["($host != b)", "not $host = <b>"],
    ["($host ~ ^a(b|c)$)", "$host ~ <^a(b|c)$>"],
    ['($host ~ "^a(b|c)$")', "$host ~ <^a(b|c)$>"],
    ['($host ~ "a{2}")', "$host ~ <a{2}>"],
    ["($host ~* (a|b))", "$host ~ <(a|b)>"],
    ["($host !~ a )", "not $host ~ <a>"],
    ["($host !~* a)", "not $host ~ <a>"],
    ["(-f $request_filename)", "file <$request_filename>"],
    ["(!-f $request_filename)", "not file <$request_filename>"],
    ["( -d $document_root/x )", "folder <$document_root/x>"],
    ["(!-d /x)", "not folder </x>"],
    ["(-e '/a b')", "there </a b>"],
    ["(!-e /x)", "not there </x>"],
    ["(-x /x)", "executable </x>"],
    ["(!-x /x)", "not executable </x>"],
  ];
  test.each(READ)("if %s", (text, read) => {
    expect(brief(settings(`if ${text} { set $a 1; }`).rewrite[0])).toBe(read);
  });
  test.skipIf(!hasNginx)("nginx takes them", () => {
    const text = READ.map(([condition]) => `if ${condition} { set $a 1; }`).join("\n");
    expect(nginxTakes(inServer(text))).toBe(true);
  });
});

describe("refused, as by nginx", () => {
  const FORMS = "($NAME), ($NAME OPERATOR TEXT) with = != ~ ~* !~ or !~*, or (-f FILE) with -f -d -e -x or ! before it";
  const REFUSED: readonly (readonly [text: string, message: string])[] = [
    ["if $host { }", `"if" needs its condition in parentheses: ${FORMS}`],
    ["if ($host { }", `"if" needs its condition in parentheses: ${FORMS}`],
    ["if ( ) { }", `"if" does not know the condition (): expected ${FORMS}`],
    [
      "if (!$host) { }",
      `"if" does not know the condition (!$host): expected ${FORMS}; the negation of ($x) is ($x = '')`,
    ],
    ["if (a = $host) { }", `"if" does not know the condition (a = $host): expected ${FORMS}`],
    ["if (-r $uri) { }", `"if" does not know the condition (-r $uri): expected ${FORMS}`],
    ["if (! -f $uri) { }", `"if" does not know the condition (! -f $uri): expected ${FORMS}`],
    [
      "if ($host = a && $uri = b) { }",
      `"if" does not know the condition ($host = a && $uri = b): expected ${FORMS}; several conditions are several "if", each of which sets a variable`,
    ],
    ["if ($host == a) { }", `unexpected "==" in the condition of "if" (write "="): expected ${FORMS}`],
    ["if ($host = a b) { }", `"if" does not know the condition ($host = a b): expected ${FORMS}`],
    ['if ($host="a") { }', '"if" needs blanks around the operator in "$host="a""'],
    ["if ($" + "{host} = a) { }", '"if" tests one variable, not "$' + '{host}": give it a name first (set $value ...)'],
    ["if ($host$uri = a) { }", '"if" tests one variable, not "$host$uri": give it a name first (set $value ...)'],
    ["if ($1 = a) { }", '"if" cannot test $1: give it a name first (set $group $1)'],
    ["if ($none) { }", 'unknown variable "$none"'],
    [
      "if ($host) { if ($uri) { } }",
      '"if" is not allowed in "if" (conditions do not nest: "set" a variable in each, and test that behind them)',
    ],
    [
      "if ($host) { root /x; }",
      '"root" is not allowed in "if" (the "if" of a server has only "rewrite", "set", "break" and "return": write it in a location)',
    ],
    ["location / { if ($host) { alias /x; } }", '"alias" is not allowed in "if" ("root" is allowed)'],
    [
      "location / { if ($host) { try_files $uri =404; } }",
      '"try_files" is not allowed in "if" (test with "if (!-e $request_filename)", or write it in a location that "rewrite ... last" leads to)',
    ],
    [
      "location / { if ($host) { proxy_set_header A b; } }",
      '"proxy_set_header" is not allowed in "if" (write it in the location around it, or in one that "rewrite ... last" leads to)',
    ],
    ["location / { if ($host) { deny all; } }", '"deny" is not allowed in "if" ("return 403" refuses)'],
    [
      "location / { if ($host) { location /a { } } }",
      '"location" is not allowed in "if" (a location is chosen by its path: "rewrite ... last" leads to another one)',
    ],
    [
      "location / { if ($host) { proxy_pass http://127.0.0.1/x; } }",
      '"proxy_pass" "http://127.0.0.1/x" cannot have a URI in an "if": give the "proxy_pass" of the location one, which the "if" inherits, or use variables',
    ],
    ["set $host a;", '"set" cannot change $host, which the server provides'],
    ["set $query_string a;", '"set" cannot change $query_string, which the server provides'],
    ["set a b;", '"set" expects a variable such as $name, not "a"'],
    ['rewrite ^ "";', '"rewrite" needs a replacement that is not empty'],
    ["rewrite ^ /a foo;", '"rewrite" expects "last", "break", "redirect" or "permanent", not "foo"'],
    ["rewrite ^ /a$;", 'a "$" without a variable name in "/a$"'],
    ["rewrite ( /a;", 'invalid regular expression "(": missing ), at character 2'],
    ["return http://a b;", 'unexpected argument "b": a URL is the last argument of "return"'],
  ];
  test.each(REFUSED)("%s", (text, message) => {
    const [line] = messages(`server { ${text} }`);
    expect(line?.replace(/^[^ ]* error: /, "")).toBe(message);
    expect(hasNginx ? typeof nginxTakes(inServer(text)) : "string").toBe("string");
  });
});

describe("a program", () => {
  const kinds = (text: string): string[] => settings(text).rewrite.map(({ kind }) => kind);

  test("has the steps in order, and is not inherited", () => {
    const given = config("server { set $a 1; rewrite ^ /x; if ($a) { break; } location / { root www; } }");
    expect(given.servers[0]!.scope.settings.rewrite.map(({ kind }) => kind)).toEqual(["set", "rewrite", "if"]);
    expect(location(given, "/").settings.rewrite).toEqual([]);
  });

  test("a return behind set alone is a content of its own", () => {
    expect(settings("set $a 1; return 200 $a;").return).toMatchObject({ status: 200 });
    expect(kinds("set $a 1; return 200 $a;")).toEqual(["set"]);
    expect(kinds("rewrite ^/a /b last; return 403;")).toEqual(["rewrite", "return"]);
    expect(settings("rewrite ^/a /b last; return 403;").return).toBeNull();
  });

  test.each([
    ["return 403; set $a 1;", 'this "set" is never reached (a "return" stands before it)'],
    ["break; rewrite ^ /a;", 'this "rewrite" is never reached (a "break" stands before it)'],
    ["if ($host) { return 403; break; }", 'this "break" is never reached (a "return" stands before it)'],
  ])("%s", (text, message) => {
    expect(messages(`server { ${text} }`)[0]).toEndWith(`warning: ${message}`);
  });

  test("rewrite: target, arguments, what follows", () => {
    const steps = (text: string) => settings(text).rewrite[0];
    expect(steps("rewrite ^ /a;")).toMatchObject({ appends: true, redirect: 0, flag: "" });
    expect(steps("rewrite ^ /a? last;")).toMatchObject({ appends: false, redirect: 0, flag: "last" });
    expect(steps("rewrite ^ /a break;")).toMatchObject({ redirect: 0, flag: "break" });
    expect(steps("rewrite ^ /a redirect;")).toMatchObject({ redirect: 302 });
    expect(steps("rewrite ^ http://a permanent;")).toMatchObject({ redirect: 301 });
    expect(steps("rewrite ^ http://a last;")).toMatchObject({ redirect: 302 });
    expect(steps("rewrite ^ $scheme://a;")).toMatchObject({ redirect: 302 });
  });
});

describe("an if in a location inherits", () => {
  const condition = (text: string): Location => location(config(`server { ${text} }`), "/").conditions[0]!;

  test("what a nested location would, and who answers", () => {
    const {
      settings: own,
      modifier,
      pattern,
    } = condition(
      "location / { root www; add_header A b; expires 1h; proxy_pass http://127.0.0.1/x/; if ($host) { expires 2h; } }",
    );
    expect([modifier, pattern]).toEqual(["", "/"]);
    expect(own.root.constant).toEndWith("/www");
    expect(own.addHeaders.map(({ name }) => name)).toEqual(["A"]);
    expect(own.expires).toMatchObject({ seconds: 7200 });
    expect(own.pass).toMatchObject({ uri: "/x/", replaces: "/" });
  });

  test("its own pass and list instead", () => {
    const { settings: own } = condition(
      "location / { add_header A b; proxy_pass http://127.0.0.1/x/; if ($host) { add_header C d; fastcgi_pass 127.0.0.1:9000; } }",
    );
    expect(own.addHeaders.map(({ name }) => name)).toEqual(["C"]);
    expect(own.pass).toMatchObject({ family: "fastcgi" });
  });

  test("neither try_files nor return nor limit_except", () => {
    const { settings: own } = condition(
      "location / { try_files $uri =404; limit_except GET { deny all; } if ($host) { set $a b; } }",
    );
    expect([own.tryFiles, own.limitExcept, own.return, own.rewrite]).toEqual([null, null, null, []]);
  });

  test("rewrite_log and uninitialized_variable_warn", () => {
    const { settings: own } = condition(
      "rewrite_log on; uninitialized_variable_warn off; location / { if ($host) { } }",
    );
    expect([own.rewriteLog, own.uninitializedVariableWarn]).toEqual([true, false]);
  });
});

test("the variables that set gives values, and those that only set does", () => {
  const text = "server { set $a 1; set $b 1; set $http_x 1; set $args c; if ($uri ~ (?<b>.)) { } }";
  const { assigned } = load(text).config!;
  expect([...assigned]).toEqual([
    ["a", true],
    ["b", false],
    ["http_x", true],
  ]);
});
