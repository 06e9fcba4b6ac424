/** Files in the manner of those that people have for nginx: accepted unchanged, and answered as nginx answers. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ask, get, type Reply } from "./client.ts";
import { startBackends } from "./echo-backends.ts";
import { NGINX, useNginx } from "./nginx.ts";
import { adapted, addressOf, makeSites, NGINX_FILES, type NginxFile, type NginxRequest } from "./nginx-files.ts";
import { ServerProcess } from "./server.ts";

setDefaultTimeout(60_000);

const backends = await startBackends();
const sites = [makeSites(), makeSites()];
afterAll(() => {
  backends.stop();
  for (const folder of sites) rmSync(folder, { recursive: true, force: true });
});

/** The http block of a server. @param side 1: nginx; 2: Webserv */
const http = (side: number, port: number, files: readonly NginxFile[] = NGINX_FILES): string => `
  include ${sites[side - 1]}/etc/mime.types;
  default_type application/octet-stream;
  sendfile on; keepalive_timeout 65; types_hash_max_size 2048; server_names_hash_bucket_size 128; map_hash_bucket_size 128;
  ${files.map((file) => adapted(file, NGINX_FILES.indexOf(file), side, port, sites[side - 1]!, backends)).join("\n")}`;

const nginx = useNginx((port) => `${http(1, port)} server { listen 127.0.0.1:${port}; }`);
let server: ServerProcess;
beforeAll(async () => {
  if (NGINX === null) return;
  const configuration = `compat nginx; events { } http { ${http(2, nginx.port)} }`;
  server = new ServerProcess({ configuration, addresses: NGINX_FILES.length });
  await server.start();
});
afterAll(async () => {
  await server?.stop();
});

/** What a client notices of a reply; null: the connection was closed without one. */
interface Noticed {
  readonly status: number;
  readonly location: string | undefined;
  readonly type: string | undefined;
  readonly cache: string | undefined;
  /** "": a page of the server's own, whose text is not compared. */
  readonly body: string;
}

/** The folders of the servers and their sites. */
const FOLDERS = new RegExp(`${join(tmpdir(), "webserv-")}[^/\\s]+`, "g");

function noticed(reply: Reply): Noticed {
  const text = reply.body.toString("latin1").replaceAll(FOLDERS, "SITES");
  return {
    status: reply.status,
    location: reply.field("location"),
    type: reply.field("content-type"),
    cache: reply.field("cache-control"),
    body: text,
  };
}

/** What is another way here on purpose, even with `compat nginx`. */
const OTHERWISE = new Set([
  "maintenance POST /", // the page of an error keeps the error's status where its file may not be POSTed to
  "nodejs-express GET /healthz", // a second Content-Type replaces the first
]);

/** Pages of nginx's own: errors and listings. */
const OWN_PAGE = /<center>nginx|<h1>Index of/;

async function asked(side: number, index: number, { method, path, fields }: NginxRequest): Promise<Noticed | null> {
  const body = method === "POST" || method === "PUT" ? "a=b" : "";
  const length = body === "" ? {} : { "Content-Length": "3", "Content-Type": "application/x-www-form-urlencoded" };
  const head = get(path, { Host: "example.com", Connection: "close", ...length, ...fields }, method);
  try {
    return noticed(await ask(`${addressOf(side, index)}:${nginx.port}`, head + body));
  } catch (error) {
    if (/closed after ""/.test(String(error))) return null;
    throw error;
  }
}

describe.each(NGINX_FILES.map((file, index) => ({ ...file, index })))("$name", ({ name, index, requests }) => {
  const compared = requests.filter(({ text }) => !OTHERWISE.has(`${name} ${text}`));
  test.skipIf(NGINX === null).each(compared.map((request) => ({ ...request })))("$text", async (request) => {
    const expected = await asked(1, index, request);
    const actual = await asked(2, index, request);
    const isOwn = expected !== null && OWN_PAGE.test(expected.body);
    expect(isOwn && actual !== null ? { ...actual, body: expected.body } : actual).toEqual(expected);
  });
});
