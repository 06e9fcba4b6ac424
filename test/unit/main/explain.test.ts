/** `webserv explain`: what it says, and by which line. What it says of routing and rewriting is compared with the server in test/wire/routing.test.ts and rewrite.test.ts. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Kernel } from "../../../ffi/kernel.ts";
import { linux } from "../../../ffi/linux.ts";
import { VARIABLES } from "../../../src/exchange/variables/variables.ts";
import { explain } from "../../../src/main/explain/command.ts";
import type { Explanation } from "../../../src/main/explain/explanation.ts";

const folder = mkdtempSync(join(tmpdir(), "webserv-explain-"));
const FILE = join(folder, "conf/site.conf");
afterAll(() => rmSync(folder, { recursive: true }));

const TEXT = `limit_req_zone $binary_remote_addr zone=one:1m rate=5r/s;
map $status $bad { default 0; 404 1; }
access_log logs/all.log combined;
server {
  listen 8080;
  server_name a.test;
  root www;
  error_page 404 /404.html;
  if ($http_x_old) { return 301 https://new.test$request_uri; }
  rewrite ^/old/(.*)$ /app/$1?from=old last;
  location / { try_files $uri $uri/ @named; }
  location @named { return 200 "named"; }
  location /app/ {
    allow 10.0.0.0/8;
    deny all;
    satisfy all;
    access_log logs/bad.log combined if=$bad;
    if ($arg_from = old) { add_header X-From old; }
  }
  location ~ \\.php$ { fastcgi_pass 127.0.0.1:9000; limit_req zone=one; }
  location ~ \\.(php|inc)$ { deny all; }
  location /api/ { auth_request /auth; proxy_pass http://backend.test/v1/; }
  location = /auth { internal; proxy_pass http://127.0.0.1:9001; }
  location = /no-auth { auth_request /denies; }
  location = /denies { return 403; }
  location /pw { auth_basic "closed"; auth_basic_user_file conf/users; }
  location /up/ { upload_store up; allowed_methods PUT; }
  location /cgi/ { cgi .sh /bin/sh; }
}
server { listen 8080; server_name *.test; return 404; }
server { listen 127.0.0.2:8081; server_name b.test; return 204; }
`;

beforeAll(() => {
  for (const path of ["conf", "www/app", "www/cgi", "up"]) mkdirSync(join(folder, path), { recursive: true });
  writeFileSync(FILE, TEXT);
  for (const path of ["www/index.html", "www/app/x.txt", "www/404.html", "www/cgi/a.sh"])
    writeFileSync(join(folder, path), path);
  writeFileSync(join(folder, "conf/users"), `ann:{PLAIN}secret\n`);
});

/** Runs the command on a kernel whose output is collected. */
async function run(...args: string[]): Promise<{ status: number; out: string; err: string }> {
  const said = ["", "", ""];
  const kernel: Kernel = {
    ...linux,
    write: (fd, block, offset, length) => {
      said[fd] += block.bytes.toString("utf8", offset, offset + length);
      return length;
    },
  };
  const status = await explain(kernel, args, { variables: VARIABLES, searchPath: "" }, {});
  return { status, out: said[1]!, err: said[2]! };
}

async function told(...args: string[]): Promise<Explanation> {
  const { status, out, err } = await run("--json", FILE, ...args);
  expect([status, err]).toEqual([0, ""]);
  return JSON.parse(out) as Explanation;
}

/** `TOPIC TEXT @LINE` of each step. */
const steps = (explanation: Explanation): string[] =>
  explanation.steps.map(({ topic, text, at }) => `${topic} ${text} @${at?.replace(`${FILE}:`, "") ?? ""}`);

describe("a request's way", () => {
  test("a file, by way of a rewrite; an if that holds; a rule that admits", async () => {
    const explanation = await told("http://a.test:8080/old/x.txt", "--client", "10.1.2.3");
    expect(steps(explanation)).toEqual([
      "address 0.0.0.0:8080 @5",
      "server a.test, by its name a.test @4",
      'if ($http_x_old) where $http_x_old is "" does not hold @9',
      "rewrite ^/old/(.*)$ matches: the path is now /app/x.txt?from=old, last @10",
      "location /app/ for /app/x.txt: the longest prefix, and no expression matches @13",
      'if ($arg_from = old) where $arg_from is "old" holds @18',
      "phase allow, deny (allow 10.0.0.0/8): goes on @14",
      `answer a file or folder: ${folder}/www/app/x.txt @7`,
      'map $bad is "0", the default for "200" @2',
    ]);
    expect(explanation.steps[1]!.others).toEqual([
      { text: "*.test", at: `${FILE}:30`, why: '"a.test" is an exact name, which goes before a wildcard at the start' },
    ]);
    expect(explanation.file).toBe(`${folder}/www/app/x.txt`);
    expect(explanation.reply).toMatchObject({ status: 200, length: 13 });
    expect(explanation.reply!.fields).toContainEqual(["X-From", "old"]);
    expect(explanation.filters).toEqual([{ text: "add_header X-From old", at: `${FILE}:18` }]);
    expect(explanation.accessLogs).toEqual([
      { text: `${folder}/logs/bad.log combined, but not, because if=$bad is "0"`, at: `${FILE}:17` },
    ]);
  });

  test("a rule that refuses; what the error log would get", async () => {
    const explanation = await told("http://a.test:8080/app/x.txt");
    expect(steps(explanation).slice(-3, -1)).toEqual(["phase allow, deny (deny all): answers @15", "error 403 @"]);
    expect(explanation.messages).toMatchObject([
      { level: "error", text: expect.stringContaining("access forbidden by rule") },
    ]);
  });

  test("a redirect of the server itself, by a field", async () => {
    const explanation = await told("http://a.test:8080/x?y", "-H", "X-Old: 1");
    expect(steps(explanation).slice(-1)).toEqual(["return 301 https://new.test$request_uri @9"]);
    expect(explanation.reply!.fields).toContainEqual(["Location", "https://new.test/x?y"]);
  });

  test("try_files leads to a named location", async () => {
    expect(steps(await told("http://a.test:8080/none")).slice(-3)).toEqual([
      "redirect inside the server to @named, by try_files @11",
      "location @named, by its name @12",
      "answer return 200 named @12",
    ]);
  });

  test("which entries of tables give variables their values", async () => {
    const file = join(folder, "conf/tables.conf");
    const text = `map $http_x $m { default 0; "" empty;
 a 1; \\~b 2;
 ~^c(.)$ "c $1";
}
map $http_y $h { hostnames; *.x.org lead;
 .y.org dot;
 www.* tail; }
geo $arg_ip $g { 10.0.0.0/8 ten; 10.1.0.0/16 gone; delete 10.1.0.0/16;
 10.1.0.0/24 narrow;
 2001:db8::/32 six; }
geo $arg_ip $r { ranges; 10.0.0.0-10.0.0.255 all;
 10.0.0.7-10.0.0.9 few; }
split_clients $arg_ip $s { 0.01% few;
 * rest; }
server { listen 8080; return 200 "$m|$h|$g|$r|$s"; }`;
    writeFileSync(file, text);
    const found = async (target: string, ...fields: string[]): Promise<string[]> => {
      const args = ["--json", file, `http://a:8080${target}`, ...fields.flatMap((field) => ["-H", field])];
      const { steps } = JSON.parse((await run(...args)).out) as Explanation;
      const shown = steps.filter(({ topic }) => ["map", "geo", "split_clients"].includes(topic));
      return shown.map(({ text, at }) => `${text} @${at!.replace(`${file}:`, "")}`);
    };
    expect(await found("/?ip=10.1.0.5", "X: A", "Y: a.x.org")).toEqual([
      '$m is "1", by a for "A" @2',
      '$h is "lead", by *.x.org for "a.x.org" @5',
      '$g is "narrow", by 10.1.0.0/24 for 10.1.0.5 @9',
      '$r is "": no entry is for 10.1.0.5 @11',
      '$s is "rest", by * for "10.1.0.5" @14',
    ]);
    expect((await found("/?ip=10.1.1.5", "X: cd", "Y: y.org")).slice(0, 3)).toEqual([
      '$m is "c d", by ~^c(.)$ for "cd" @3',
      '$h is "dot", by .y.org for "y.org" @6',
      '$g is "ten", by 10.0.0.0/8 for 10.1.1.5 @8',
    ]);
    expect((await found("/?ip=10.0.0.8", "X: ~b", "Y: www.a")).slice(0, 4)).toEqual([
      '$m is "2", by \\~b for "~b" @2',
      '$h is "tail", by www.* for "www.a" @7',
      '$g is "ten", by 10.0.0.0/8 for 10.0.0.8 @8',
      '$r is "few", by 10.0.0.7-10.0.0.9 for 10.0.0.8 @12',
    ]);
    expect((await found("/?ip=2001:db8::5", "X: zz")).slice(0, 3)).toEqual([
      '$m is "0", the default for "zz" @1',
      '$h is "": no entry is for "" @5',
      '$g is "six", by 2001:db8::/32 for 2001:db8::5 @10',
    ]);
    expect((await found("/"))[0]).toBe('$m is "empty", by "" for "" @1');
  });

  test("an error page", async () => {
    const explanation = await told("http://a.test:8080/app/none", "--client", "10.0.0.1");
    expect(steps(explanation)).toContain("error 404: error_page /404.html @8");
    expect([explanation.reply!.status, explanation.path, explanation.location.name]).toEqual([404, "/404.html", "/"]);
  });

  test("an expression, and who else would have matched; nobody is asked", async () => {
    const explanation = await told("http://a.test:8080/app/x.php");
    expect(explanation.location).toEqual({ name: "~ \\.php$", at: `${FILE}:20` });
    const found = explanation.steps.find(({ topic }) => topic === "location")!;
    expect(found.others.map(({ text, why }) => `${text}: ${why}`)).toEqual([
      '/: "/app/" is longer',
      '/app/: "~ \\.php$" is an expression: those go before prefixes',
      '~ \\.(php|inc)$: it stands behind "~ \\.php$": the first expression that matches counts',
    ]);
    expect(steps(explanation).slice(-2)).toEqual([
      "phase limit_req zone=one: goes on @20",
      `answer fastcgi_pass 127.0.0.1:9000, for /app/x.php, whose file is ${folder}/www/app/x.php @20`,
    ]);
    expect(explanation.reply).toBeNull();
  });

  test("a subrequest that would be asked, and what is passed on", async () => {
    const explanation = await told("http://a.test:8080/api/users?x=1");
    expect(steps(explanation).slice(-1)).toEqual([
      "answer proxy_pass http://backend.test/v1/, which gets GET /v1/users?x=1 at http://backend.test:80 @22",
    ]);
    expect(explanation.steps.filter(({ depth }) => depth === 1).map(({ topic }) => topic)).toContain("location");
    expect(steps(explanation)).toContain("phase auth_request /auth: goes on @22");
  });

  test("a subrequest whose answer is known", async () => {
    const explanation = await told("http://a.test:8080/no-auth");
    expect(explanation.reply!.status).toBe(403);
    expect(steps(explanation)).toContain("answer status 403 @");
  });

  test("a password that is asked for, and one that is given", async () => {
    expect((await told("http://a.test:8080/pw")).reply!.status).toBe(401);
    const right = `Authorization: Basic ${btoa("ann:secret")}`;
    expect((await told("http://a.test:8080/pw", "-H", right)).reply!.status).toBe(404);
  });

  test("an upload stores nothing; a program is not run; a method that is not allowed", async () => {
    const upload = await told("http://a.test:8080/up/x", "PUT", "-H", "Content-Length: 3");
    expect([upload.reply, steps(upload).at(-1)]).toEqual([
      null,
      `answer upload_store up, for /up/x, whose file is ${folder}/www/up/x @27`,
    ]);
    expect(readdirSync(join(folder, "up"))).toEqual([]);
    expect((await told("http://a.test:8080/cgi/a.sh")).reply).toBeNull();
    expect((await told("http://a.test:8080/up/x", "POST")).reply).toMatchObject({ status: 405 });
  });

  test("a path alone is asked at the first address; a port chooses the address", async () => {
    expect((await told("/")).server.name).toBe("a.test");
    expect((await told("http://127.0.0.2:8081/")).server).toEqual({ name: "b.test", at: `${FILE}:31` });
    expect(steps(await told("http://other:8080/"))[1]).toBe(
      'server a.test, the default server of 0.0.0.0:8080: no server here has the name "other" @4',
    );
  });
});

test("the text for people", async () => {
  const { status, out } = await run(FILE, "http://a.test:8080/", "GET");
  expect(status).toBe(0);
  const lines = out.replaceAll(folder, "").split("\n");
  expect(lines[0]).toBe("GET http://a.test:8080/ from 127.0.0.1");
  expect(lines).toContainEqual(
    expect.stringMatching(
      /^location {4}\/ for \/: the longest prefix, and no expression matches +\/conf\/site\.conf:11$/,
    ),
  );
  expect(lines).toContainEqual(expect.stringMatching(/^reply {7}200, Content-Type: text\/html/));
});

describe("what is wrong", () => {
  test.each([
    [["--help"], 0, /^$/],
    [[], 2, /FILE, URL and perhaps METHOD are expected/],
    [[FILE, "a.test/x"], 2, /"a\.test\/x" is no URL/],
    [[FILE, "http://a.test:99999/"], 2, /is no URL/],
    [[FILE, "http://a.test/ x"], 2, /is no URL/],
    [[FILE, "/", "G T"], 2, /"G T" is no method/],
    [[FILE, "/", "-H", "no colon"], 2, /"no colon" is no field/],
    [[FILE, "/", "--client", "somewhere"], 2, /"somewhere" is no address/],
    [[FILE, "/", "--what"], 2, /--what/],
    [[FILE, "http://a.test/"], 1, /nothing listens on port 80: the file listens on 0\.0\.0\.0:8080, 127\.0\.0\.2:8081/],
    [[FILE, "https://a.test:8080/"], 1, /no TLS is spoken at 0\.0\.0\.0:8080/],
    [[join(folder, "none.conf"), "/"], 1, /none\.conf has errors/],
  ] as const)("%j", async (args, status, message) => {
    const said = await run(...args);
    expect(said.status).toBe(status);
    expect(said.err).toMatch(message);
  });

  test("a file with errors: they are told", async () => {
    const bad = join(folder, "conf/bad.conf");
    writeFileSync(bad, "server { listen 1; roott x; }");
    const { status, err } = await run(bad, "/");
    expect(status).toBe(1);
    expect(err).toContain('bad.conf:1:20: error: unknown directive "roott" (did you mean "root"?)');
  });
});
