/** rewrite, if, set, break, return: what Webserv answers, compared with nginx for the same configuration and requests. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { rmSync } from "node:fs";
import { createServer } from "node:http";
import { ask } from "./client.ts";
import { NGINX, useNginx } from "./nginx.ts";
import { FILES, GROUPS } from "./rewrite-cases.ts";
import { makeFolder, ServerProcess } from "./server.ts";

setDefaultTimeout(60_000);

const root = makeFolder(FILES);

/** Answers with the request line, and the field that a location adds. */
const backend = createServer((request, response) => {
  response.end(`${request.method} ${request.url} ${request.headers["x-loc"] ?? ""}`);
});
backend.listen(0, "127.0.0.1");
const around = { root, backend: `127.0.0.1:${(backend.address() as { port: number }).port}` };
afterAll(() => {
  backend.close();
  backend.closeAllConnections();
  rmSync(root, { recursive: true });
});

const host = (index: number): string => `s${index}.test`;
const servers = (port: number): string =>
  `absolute_redirect off; default_type text/plain; 
  ${GROUPS.map(({ server, names = "" }, i) => `server { listen 127.0.0.1:${port}; server_name ${host(i)} ${names}; ${server(around)} }`).join("\n")}`;

const nginx = useNginx(servers);
const ours = new ServerProcess({ configuration: `error_log error.log info; ${servers(0)}`, addresses: 1 });
beforeAll(() => ours.start());
afterAll(() => ours.stop());

/** A request as the cases write it, for one of the servers. */
function requestOf(text: string, server: number): string {
  const [line, ...fields] = text.split(" | ");
  const [method, target] = line!.includes(" ") ? line!.split(" ") : ["GET", line];
  const hostField = fields.some((field) => field.startsWith("Host:")) ? [] : [`Host: ${host(server)}`];
  return [`${method} ${target} HTTP/1.1`, ...hostField, ...fields, "Connection: close", "", ""].join("\r\n");
}

const COMPARED = ["Location", "X-Server", "X-Loc", "X-If", "X-A", "X-B", "X-C", "X-Id", "Cache-Control", "Allow"];

/** What of a reply must be the same: everything but the built-in pages and the fields that always differ. */
async function seen(port: number, request: string): Promise<readonly unknown[]> {
  const reply = await ask(port, Buffer.from(request, "latin1"));
  const isBuiltIn = /<center>nginx|<p>Webserv<\/p>/.test(reply.text);
  const fields = COMPARED.map((name) => `${name}: ${reply.field(name) ?? ""}`).filter((line) => !line.endsWith(": "));
  return [reply.status, ...fields, isBuiltIn ? "its own page" : reply.text];
}

for (const [index, { name, requests }] of GROUPS.entries()) {
  describe.skipIf(NGINX === null)(name, () => {
    test.each(requests.map((text) => [text]))("%s", async (text) => {
      const request = requestOf(text, index);
      expect(await seen(ours.port, request)).toEqual(await seen(nginx.port, request));
    });
  });
}
