/** DELETE: what goes, what stays, and who may. */
import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { ask, Client, get } from "./client.ts";
import { useServer } from "./server.ts";

const server = useServer({
  configuration: `
    server {
      listen 127.0.0.1:0;
      root www;
      error_page 404 /404.html;
      location / { delete_files on; }
      location /kept/ { }
      location /mine/ { delete_files on; limit_except GET { deny all; } }
      location /locked/ { delete_files on; allowed_methods GET; }
      location /forms/ { alias www/; upload_store www; }
    }`,
  files: {
    "www/404.html": "not here",
    "www/a.txt": "a",
    "www/b.txt": "b",
    "www/folder/c.txt": "c",
    "www/kept/d.txt": "d",
    "www/mine/e.txt": "e",
    "www/locked/f.txt": "f",
    "www/link": { link: "b.txt" },
    "www/out": { link: "/etc/hostname" },
    "secret.txt": "secret",
  },
});
const isThere = (path: string): boolean => existsSync(join(server.folder, path));
const remove = (path: string, fields: Record<string, string> = {}) => ask(server.port, get(path, fields, "DELETE"));

test("one connection: got, deleted, gone", async () => {
  const client = await Client.connect(server.port);
  const first = await client.ask(get("/a.txt"));
  expect([first.status, first.text]).toEqual([200, "a"]);
  expect((await client.ask(get("/a.txt", { "If-Match": '"other"' }, "DELETE"))).status).toBe(412);
  const gone = await client.ask(get("/a.txt", { "If-Match": first.field("etag")! }, "DELETE"));
  expect([gone.status, gone.field("content-length"), isThere("www/a.txt")]).toEqual([204, undefined, false]);
  expect((await client.ask(get("/a.txt"))).status).toBe(404);
  const again = await client.ask(get("/a.txt", {}, "DELETE"));
  expect([again.status, again.text]).toEqual([404, "not here"]);
  expect(isThere("www/404.html")).toBe(true);
  client.destroy();
});

test("a body is read, and nobody's", async () => {
  const client = await Client.connect(server.port);
  await client.send("DELETE /nothing HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n12345");
  expect((await client.reply("DELETE")).status).toBe(404);
  expect((await client.ask(get("/b.txt"))).text).toBe("b");
  client.destroy();
});

describe("what stays", () => {
  test.each<[path: string, status: number, file: string, why: string]>([
    ["/folder", 409, "www/folder/c.txt", "a folder"],
    ["/folder/", 409, "www/folder/c.txt", "with its slash"],
    ["/", 409, "www/b.txt", "the root"],
    ["/out", 403, "www/out", "a link that leaves the root"],
    ["/../secret.txt", 400, "secret.txt", "above the root"],
    ["/%2e%2e/secret.txt", 400, "secret.txt", "above the root, encoded"],
    ["/folder/..%2f..%2fsecret.txt", 400, "secret.txt", "above the root, with an encoded slash"],
    ["/b.txt%00", 400, "www/b.txt", "a NUL"],
    ["/kept/d.txt", 405, "www/kept/d.txt", "delete_files is off"],
    ["/mine/e.txt", 403, "www/mine/e.txt", "limit_except"],
    ["/locked/f.txt", 405, "www/locked/f.txt", "a list of methods without it"],
    ["/forms/b.txt", 405, "www/b.txt", "uploads alone do not bring it"],
  ])("%s is %i, %s stays: %s", async (path, status, file) => {
    expect((await remove(path)).status).toBe(status);
    expect(isThere(file)).toBe(true);
  });
  test("a link goes, its target stays", async () => {
    expect((await remove("/link")).status).toBe(204);
    expect([isThere("www/link"), isThere("www/b.txt")]).toEqual([false, true]);
  });
  test.each([
    ["/b.txt", "GET, HEAD, DELETE, OPTIONS"],
    ["/kept/d.txt", "GET, HEAD, OPTIONS"],
  ])("Allow of %s is %s", async (path, allow) => {
    expect((await ask(server.port, get(path, {}, "OPTIONS"))).field("allow")).toBe(allow);
  });
});
