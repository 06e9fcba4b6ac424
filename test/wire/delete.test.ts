/** DELETE where `delete_files on`: one file goes, and nothing else. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, lstatSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { answers, check } from "./cases.ts";
import { ask, Client, get } from "./client.ts";
import { useServer } from "./server.ts";
import { withBody } from "./upload-requests.ts";

setDefaultTimeout(60_000);

const server = useServer({
  configuration: `
    server {
      listen 127.0.0.1:0;
      root www;
      location /open/ { delete_files on; }
      location /both/ { delete_files on; upload_store www/both; }
      location /barred/ { delete_files on; limit_except GET { deny all; } }
    }`,
  files: {
    "outside/secret": "secret",
    "www/closed": "stays",
    "www/barred/file": "stays",
    "www/both/": "",
    "www/open/folder/file": "x",
    "www/open/.hidden": "stays",
    "www/open/leaves": { link: "../../outside/secret" },
    "www/open/out": { link: "../../outside" },
  },
});

const at = (path: string): string => join(server.folder, path);
const remove = (path: string, fields: Record<string, string> = {}): string => get(path, fields, "DELETE");
const isThere = (path: string): boolean => lstatSync(at(path), { throwIfNoEntry: false }) !== undefined;

test("204, then 404, for what was cached as well", async () => {
  writeFileSync(at("www/open/a"), "a");
  for (let i = 0; i < 3; i++) check(await ask(server.port, get("/open/a")), { status: 200, body: "a" });
  check(await ask(server.port, remove("/open/a")), { status: 204, fields: { "Content-Length": null } });
  expect(isThere("www/open/a")).toBe(false);
  check(await ask(server.port, get("/open/a")), { status: 404 });
  check(await ask(server.port, remove("/open/a")), { status: 404 });
});

test("PUT, GET, DELETE and GET in one row", async () => {
  const client = await Client.connect(server.port);
  const put = withBody("PUT", "/both/a", "content");
  void client.send(Buffer.concat([put, Buffer.from(get("/both/a") + remove("/both/a") + get("/both/a")), put]));
  check(await client.reply("PUT"), { status: 201 });
  check(await client.reply(), { status: 200, body: "content" });
  check(await client.reply("DELETE"), { status: 204 });
  check(await client.reply(), { status: 404 });
  check(await client.reply("PUT"), { status: 201 });
  client.destroy();
});

test("a link is removed, not what it leads to", async () => {
  writeFileSync(at("www/open/target"), "stays");
  symlinkSync("target", at("www/open/link"));
  check(await ask(server.port, remove("/open/link")), { status: 204 });
  expect([isThere("www/open/link"), readFileSync(at("www/open/target"), "utf8")]).toEqual([false, "stays"]);
});

test("If-Match: only what the client has seen is removed", async () => {
  writeFileSync(at("www/open/seen"), "x");
  const etag = (await ask(server.port, get("/open/seen"))).field("etag")!;
  check(await ask(server.port, remove("/open/seen", { "If-Match": '"other"' })), { status: 412 });
  check(await ask(server.port, remove("/open/seen", { "If-None-Match": etag })), { status: 412 });
  expect(isThere("www/open/seen")).toBe(true);
  check(await ask(server.port, remove("/open/seen", { "If-Match": etag })), { status: 204 });
  expect(isThere("www/open/seen")).toBe(false);
});

test("a file that somebody is reading is read to its end", async () => {
  const content = "y".repeat(20_000_000);
  writeFileSync(at("www/open/read"), content);
  const reader = await Client.connect(server.port);
  reader.socket.pause();
  await reader.send(get("/open/read"));
  check(await ask(server.port, remove("/open/read")), { status: 204 });
  reader.socket.resume();
  expect((await reader.reply()).body.length).toBe(content.length);
  reader.destroy();
});

describe("what is not removed", () => {
  answers(server, "a folder", remove("/open/folder"), { status: 409 });
  answers(server, "a folder, by its name with a slash", remove("/open/folder/"), { status: 409 });
  answers(server, "the location's own folder", remove("/open/"), { status: 409 });
  answers(server, "a dot file", remove("/open/.hidden"), { status: 404 });
  answers(server, "a file beneath a file", remove("/open/folder/file/x"), { status: 404 });
  answers(server, "where delete_files is off", remove("/closed"), {
    status: 405,
    fields: { Allow: "GET, HEAD, OPTIONS" },
  });
  answers(server, "where access is denied", remove("/barred/file"), { status: 403 });
  answers(server, "what climbs out of the location", remove("/open/../closed"), { status: 405 });
  answers(server, "what climbs out of the root", remove("/open/../../outside/secret"), { status: 400 });
  answers(server, "what lies behind a link that leaves the root", remove("/open/out/secret"), { status: 403 });
  answers(server, "a link that leaves the root", remove("/open/leaves"), { status: 403 });

  test("all of it is still there", () => {
    const paths = ["outside/secret", "www/closed", "www/barred/file", "www/open/folder/file", "www/open/.hidden"];
    expect(paths.filter((path) => !existsSync(at(path)))).toEqual([]);
    expect([isThere("www/open/leaves"), isThere("www/open/out")]).toEqual([true, true]);
  });
});

test("with a body, which is discarded", async () => {
  mkdirSync(at("www/open/sub"), { recursive: true });
  writeFileSync(at("www/open/sub/a"), "x");
  check(await ask(server.port, withBody("DELETE", "/open/sub/a", "why not")), { status: 204 });
  expect(isThere("www/open/sub/a")).toBe(false);
});
