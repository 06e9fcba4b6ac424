/** Pages of errors that a script makes: it replies later, whatever the server refused and whatever of the request is unread. */
import { beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, rmSync } from "node:fs";
import { join } from "node:path";
import { check, exchange } from "./cases.ts";
import { ask, Client, get } from "./client.ts";
import { leavesNothing, TEXT, untilLogged, untilWritten, useScripts } from "./scripts.ts";
import { head, withBody } from "./upload-requests.ts";

setDefaultTimeout(60_000);

const server = useScripts({
  scripts: {
    "page.sh": `echo run >> "$DOCUMENT_ROOT/../runs"; ${TEXT}; printf 'page of %s' "$REDIRECT_STATUS"`,
    "slow.sh": `echo run >> "$DOCUMENT_ROOT/../slow"; sleep 0.5; ${TEXT}; printf late`,
    "silent.sh": "exit 0",
    "cat.sh": `${TEXT}; exec cat`,
    "closed.run": "",
  },
  files: { "www/static.txt": "static\n", "www/up/there.txt": "first\n" },
  server: `
    root www;
    cgi .sh /bin/sh;
    cgi .run;
    error_page 400 404 405 409 413 414 502 /page.sh;
    location /small/ { client_max_body_size 100; }
    location /up/ { cgi off; upload_store www/up; upload_overwrite refuse; }
    location = /silent.sh { client_body_buffer_size 0; error_page 502 /slow.sh; }`,
});

const BODY = "a body";

beforeEach(() => {
  chmodSync(join(server.folder, "www/closed.run"), 0o644);
  rmSync(join(server.folder, "runs"), { force: true });
});

describe("one request, one script, one reply:", () => {
  const refusals: [what: string, status: number, request: string | Buffer][] = [
    ["nothing there", 404, get("/missing")],
    ["no script there, and a body", 404, withBody("POST", "/missing.sh", BODY)],
    ["no script there, and a body in chunks", 404, withBody("POST", "/missing.sh", BODY, { chunk: 2 })],
    ["a program that cannot be started, and a body", 502, withBody("POST", "/closed.run", BODY)],
    ["a method", 405, get("/static.txt", {}, "DELETE")],
    ["a method, and a body", 405, withBody("DELETE", "/static.txt", BODY)],
    ["an upload", 409, withBody("PUT", "/up/there.txt", BODY)],
    ["an upload in chunks", 409, withBody("PUT", "/up/there.txt", BODY, { chunk: 2 })],
    ["a body announced too long", 413, withBody("POST", "/small/x.sh", "x".repeat(101))],
    ["a bad chunk", 400, `${head("POST", "/cat.sh", 0, { chunk: 1 }).toString("latin1")}zz\r\n`],
    ["no Host", 400, "GET / HTTP/1.1\r\n\r\n"],
    ["no request", 400, "GET / / HTTP/1.1\r\nHost: a\r\n\r\n"],
    ["a target too long", 414, get(`/${"x".repeat(40_000)}`)],
  ];

  test.each(refusals)("%s", async (_what, status, request) => {
    check(await ask(server.port, request), { status, body: `page of ${status}` });
    expect(await untilWritten(server, "runs")).toEqual(["run"]);
  });
});

test("a request that is refused once more meanwhile: the script is ended, and its page is nobody's", async () => {
  const client = await Client.connect(server.port);
  void client.send(Buffer.concat([head("POST", "/silent.sh", 10), Buffer.from("four")]));
  await untilWritten(server, "slow");
  client.finish();
  check(await client.reply("POST"), { status: 400, body: /400 Bad Request/ });
  client.destroy();
  for (let i = 0; i < 10; i++) {
    await Bun.sleep(5);
    await exchange(server.port, get("/static.txt"), { status: 200, body: "static\n" });
  }
});

test("a program that cannot be started is 502 also behind a request with a bad body", async () => {
  await ask(server.port, `${head("POST", "/cat.sh", 0, { chunk: 1 }).toString("latin1")}zz\r\n`);
  await exchange(server.port, withBody("POST", "/closed.run", BODY), { status: 502 });
});

test("nothing was answered twice", async () => {
  await ask(server.port, get("/missing-at-last"));
  await untilLogged(server, /missing-at-last/);
  expect(server.stderr).not.toContain("unexpected exception");
});

leavesNothing(server);
