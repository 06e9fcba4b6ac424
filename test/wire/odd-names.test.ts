/** Names of files that are not UTF-8 exist: they are listed, served, deleted, passed to scripts, and logged without steering a terminal. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ask, get } from "./client.ts";
import { until, useServer } from "./server.ts";

setDefaultTimeout(60_000);

const server = useServer({
  configuration: `
    error_log error.log info;
    server {
      listen 127.0.0.1:0;
      root www;
      location /      { autoindex on; delete_files on; }
      location /json/ { alias www/; autoindex on; autoindex_format json; }
      location /cgi/  { cgi .sh /bin/sh; }
      location /front/ { try_files $uri /cgi/show.sh$uri; }
    }`,
  files: {
    "www/ok.txt": "ok",
    "www/cgi/show.sh": `#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n%s|' "$PATH_INFO"; printf %s "$PATH_TRANSLATED" | tail -c 5\n`,
  },
});

const NAME = Buffer.from("lat\xe9.txt", "latin1");
/** The path of a file whose name is bytes. */
const at = (name: Buffer): Buffer => Buffer.concat([Buffer.from(`${join(server.folder, "www")}/`), name]);
const put = (name: Buffer, text: string): void => writeFileSync(at(name), text);

describe("a name in Latin-1", () => {
  test.each(["/lat%e9.txt", "/lat%E9.txt", "/lat\xe9.txt"])("GET %j", async (target) => {
    put(NAME, "latin\n");
    const reply = await ask(server.port, get(target));
    expect([reply.status, reply.text]).toEqual([200, "latin\n"]);
  });

  test("is not the name in UTF-8, nor the one with a replacement character", async () => {
    put(NAME, "latin\n");
    expect((await ask(server.port, get("/lat%C3%A9.txt"))).status).toBe(404);
    expect((await ask(server.port, get("/lat%EF%BF%BD.txt"))).status).toBe(404);
  });

  test("is listed: its link leads to it, its text shows what can be shown", async () => {
    put(NAME, "latin\n");
    const page = (await ask(server.port, get("/"))).text;
    expect(page).toContain('<a href="lat%E9.txt">lat\ufffd.txt</a>');
    const list = JSON.parse((await ask(server.port, get("/json/"))).text) as { name: string; url?: string }[];
    expect(list.find(({ url }) => url === "lat%E9.txt")?.name).toBe("lat\ufffd.txt");
    expect(list.find(({ name }) => name === "ok.txt")).not.toHaveProperty("url");
  });

  test("in a folder", async () => {
    mkdirSync(at(Buffer.from("d\xff", "latin1")), { recursive: true });
    put(Buffer.from("d\xff/a.txt", "latin1"), "deep\n");
    expect((await ask(server.port, get("/d%ff/a.txt"))).text).toBe("deep\n");
    expect((await ask(server.port, get("/d%ff"))).field("Location")).toBe("/d%FF/");
    expect((await ask(server.port, get("/d%ff/"))).text).toContain('<a href="a.txt">');
  });

  test("is deleted", async () => {
    const name = Buffer.from("gone\xe9", "latin1");
    put(name, "x");
    const reply = await ask(server.port, "DELETE /gone%e9 HTTP/1.1\r\nHost: a\r\n\r\n");
    expect([reply.status, existsSync(at(name))]).toEqual([204, false]);
  });
});

test("a script gets the bytes", async () => {
  const reply = await ask(server.port, get("/cgi/show.sh/caf%e9"));
  expect(reply.body.toString("latin1")).toBe("/caf\xe9|/caf\xe9");
});

test("a front controller too", async () => {
  const reply = await ask(server.port, get("/front/caf%e9"));
  expect(reply.body.toString("latin1")).toStartWith("/front/caf\xe9|");
});

test("what cannot be a name is 400, and leaves a line at info", async () => {
  const bad = ["/a%00", "/%e", "/%", "/%zz"];
  for (const target of bad) expect((await ask(server.port, get(target))).status).toBe(400);
  const text = (): string => readFileSync(join(server.folder, "error.log"), "latin1");
  const isTold = (target: string): boolean =>
    text()
      .split("\n")
      .some((line) => line.includes("[info]") && line.includes(`"GET ${target} HTTP/1.1"`));
  await until(() => bad.every(isTold), text);
});

test("the error log shows the byte escaped", async () => {
  await ask(server.port, get("/missing%e9"));
  await ask(server.port, get("/"));
  const log = join(server.folder, "error.log");
  const text = (): string => readFileSync(log, "latin1");
  await until(() => text().includes('www/missing\\xe9" failed'), text); // written once a second
});
