/** rewrite, if, set, break, return: what Webserv answers and logs, compared with nginx for the same configuration and requests. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { ask, Client } from "./client.ts";
import { explained } from "./explained.ts";
import { NGINX, useNginx } from "./nginx.ts";
import { FILES, GROUPS as WRITTEN } from "./rewrite-cases.ts";
import { randomGroups } from "./rewrite-random.ts";
import { makeFolder, ServerProcess, until } from "./server.ts";

setDefaultTimeout(60_000);

/** REWRITE_SEED makes others, as many as REWRITE_SERVERS says. */
const { REWRITE_SEED = "1", REWRITE_SERVERS = "25" } = process.env;
const GROUPS = [...WRITTEN, ...randomGroups(Number(REWRITE_SEED), Number(REWRITE_SERVERS), 8)];

const root = makeFolder({ ...FILES, loop: { link: "loop" } });

/** Answers with the request line, the field that a location adds, and the body. */
const backend = createServer(async (request, response) => {
  const body = Buffer.concat(await request.toArray()).toString();
  response.end(`${request.method} ${request.url} ${request.headers["x-loc"] ?? ""}${body}`);
});
backend.listen(0, "127.0.0.1");
const around = { root, backend: `127.0.0.1:${(backend.address() as { port: number }).port}` };
afterAll(() => {
  backend.close();
  backend.closeAllConnections();
  rmSync(root, { recursive: true });
});

const host = (index: number): string => `s${index}.test`;
const logFile = (port: number): string => join(root, `log-${port}.txt`);

/** A server for requests with bodies. */
const withBodies = (port: number): string => `
  server {
    listen 127.0.0.1:${port}; server_name body.test;
    if ($uri = /refused) { return 405; }
    rewrite ^/moved /there redirect;
    location /last/ { rewrite ^/last/(.*)$ /pass/$1 last; }
    location /if/ { proxy_pass http://${around.backend}; if ($arg_a) { set $x 1; } }
    location /checked { client_max_body_size 3; rewrite ^ /pass/ last; }
    location /pass/ { proxy_pass http://${around.backend}; }
    location /again { return 200 again; }
    location /up { root ${root}/dir; rewrite ^ /../$arg_file break; }
  }`;

/** A server whose error log is compared too. */
const logging = (port: number): string => `
  server {
    listen 127.0.0.1:${port}; server_name log.test; error_log ${logFile(port)} notice; rewrite_log on; root ${root};
    rewrite ^/a/(.*)$ /b/$1?x=$1;
    rewrite ^/never$ /c;
    location /b/ { if ($arg_x ~* "^(Q)") { set $found $1; } rewrite ^ http://other.test$uri; }
    location /loop { rewrite ^ /loop?; }
    location /unset { return 200 "$found$found"; }
    location /quiet { uninitialized_variable_warn off; rewrite_log off; rewrite ^/quiet /q2; return 200 "$found$uri"; }
    location /empty { rewrite ^ $arg_none last; }
    location /stat { if (!-e $document_root/loop) { return 204; } }
    location /forbidden { if ($uri !~ ^/x) { return 403; } }
  }`;

const servers = (port: number): string =>
  `absolute_redirect off; default_type text/plain; types { text/html html; }
  ${GROUPS.map(({ server, names = "" }, i) => `server { listen 127.0.0.1:${port}; server_name ${host(i)} ${names}; ${server(around)} }`).join("\n")}
  ${logging(port)} ${withBodies(port)}`;

const nginx = useNginx(servers);
const ours = new ServerProcess({ configuration: `error_log error.log info; ${servers(0)}`, addresses: 1 });
beforeAll(() => ours.start());
afterAll(() => ours.stop());

/** A request as the cases write it, for the server with that name. */
function requestOf(text: string, name: string): string {
  const [line, ...fields] = text.split(" | ");
  const [method, target] = line!.includes(" ") ? line!.split(" ") : ["GET", line];
  const hostField = fields.some((field) => field.startsWith("Host:")) ? [] : [`Host: ${name}`];
  return [`${method} ${target} HTTP/1.1`, ...hostField, ...fields, "Connection: close", "", ""].join("\r\n");
}

const COMPARED = [
  "Content-Type",
  "Location",
  "X-Server",
  "X-Loc",
  "X-If",
  "X-A",
  "X-B",
  "X-C",
  "X-Id",
  "Cache-Control",
  "Access-Control-Allow-Origin",
  "Access-Control-Max-Age",
];

/** Webserv's built-in pages have one. */
const CHARSET = "; charset=utf-8";

/** A path that a client lets begin with two slashes gets scheme and host here; nginx, with `absolute_redirect off`, sends it to another host. */
const withoutOrigin = (url: string): string => url.replace(/^http:\/\/s\d+\.test:\d+(?=\/\/)/, "");

/** Of what `explain` says, what of a reply must be the same; null: it is made by a server that is not asked. */
async function foretold(request: string): Promise<readonly unknown[] | null> {
  const { reply } = await explained(ours, request);
  if (reply === null) return null;
  const fields = COMPARED.flatMap((name) =>
    reply.fields
      .filter(([each]) => each === name)
      .map(([, value]) => `${name}: ${withoutOrigin(value).replace(CHARSET, "")}`),
  );
  return [reply.status, ...fields];
}

/** Webserv encodes what a URL may not contain, nginx sends it as it is. */
const encoded = (url: string): string =>
  url.replace(/[^\x21-\x7e]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

/** What of a reply must be the same: everything but the built-in pages and the fields that always differ. */
async function seen(port: number, request: string): Promise<readonly unknown[]> {
  const reply = await ask(port, Buffer.from(request, "latin1"));
  const isBuiltIn = /<center>nginx|<p>Webserv<\/p>/.test(reply.text);
  const shown = (name: string): string => {
    const value = (reply.field(name) ?? "").replace(CHARSET, "");
    return name === "Location" ? withoutOrigin(encoded(value)) : value;
  };
  const fields = COMPARED.map((name) => `${name}: ${shown(name)}`).filter((line) => !line.endsWith(": "));
  return [reply.status, ...fields, isBuiltIn ? "its own page" : reply.text];
}

for (const [index, { name, requests }] of GROUPS.entries()) {
  describe.skipIf(NGINX === null)(name, () => {
    test.each(requests.map((text) => [text]))("%s", async (text) => {
      const request = requestOf(text, host(index));
      const reply = await seen(ours.port, request);
      expect(reply).toEqual(await seen(nginx.port, request));
      const told = await foretold(request);
      if (told !== null) expect(told).toEqual(reply.slice(0, -1));
      else expect(reply.at(-1)).toMatch(/^[A-Z]+ \/|its own page/);
    });
  });
}

/** Bodies are discarded by `return`, and passed on behind `rewrite` and `if`; the connection can be used again. */
describe.skipIf(NGINX === null)("a request with a body", () => {
  const fields = "Host: body.test\r\nContent-Length: 5\r\n\r\n";
  test.each(["/refused", "/last/x", "/if/x?a=1", "/moved", "/checked"])("%s", async (target) => {
    const replies = async (port: number): Promise<unknown[]> => {
      const client = await Client.connect(port);
      void client.send(`POST ${target} HTTP/1.1\r\n${fields}12345GET /again HTTP/1.1\r\nHost: body.test\r\n\r\n`);
      const first = await client.reply("POST");
      const closes = first.field("Connection") === "close"; // nginx and Webserv do with 413
      const second = closes ? "closed" : (await client.reply()).text;
      client.destroy();
      return [first.status, first.field("Location"), first.status === 200 ? first.text : "", second];
    };
    expect(await replies(ours.port)).toEqual(await replies(nginx.port));
  });
});

test("a rewritten path does not lead out of the root", async () => {
  const ask = (file: string) => seen(ours.port, requestOf(`/up?file=${file}`, "body.test"));
  for (const file of ["f.txt", "../../../../../../etc/hostname"]) expect((await ask(file))[0]).toBe(404);
});

/** Level and message of each line of an error log, without what it says of the client. */
function logged(port: number): string[] {
  const text = existsSync(logFile(port)) ? readFileSync(logFile(port), "utf8") : "";
  return [...text.matchAll(/\[(\w+)\] \S+ \*\d+ (.*), client: /g)].map(([, level, message]) => `${level} ${message}`);
}

test.skipIf(NGINX === null)("the error log, with rewrite_log", async () => {
  for (const target of ["/a/q", "/a/%20x", "/never", "/loop", "/unset", "/quiet", "/empty", "/stat", "/forbidden"])
    for (const port of [ours.port, nginx.port]) await seen(port, requestOf(target, "log.test"));
  const theirs = logged(nginx.port);
  await until(
    () => logged(0).length >= theirs.length,
    () => logged(0).join("\n"),
  );
  expect(logged(0)).toEqual(theirs);
});
