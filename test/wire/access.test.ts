/** Who may see what: allow and deny, limit_except, links, dotfiles, and no way out of the root. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { ask, get } from "./client.ts";
import { answers } from "./explained.ts";
import { useServer } from "./server.ts";

setDefaultTimeout(60_000);

const isRoot = process.getuid?.() === 0;

const server = useServer({
  configuration: `
    server {
      listen 127.0.0.1:0;
      root www;
      location /deny/     { deny all; }
      location /local/    { allow 127.0.0.0/8; deny all; return 200 "local\\n"; }
      location /remote/   { allow 10.0.0.0/8; allow 2001:db8::/32; deny all; }
      location /order/    { deny 127.0.0.1; allow all; }
      location /except/   { allowed_methods GET HEAD POST; limit_except GET { deny all; } }
      location /exceptme/ { allowed_methods GET HEAD POST; limit_except GET { allow 127.0.0.1; deny all; } return 200 "me\\n"; }
      location /follow/   { alias www/links/; symlinks follow; }
      location /refuse/   { alias www/links/; symlinks deny; }
      location /dots/     { alias www/; dotfiles allow; }
    }`,
  files: {
    "secret.txt": "secret\n",
    "www-secret/x.txt": "sibling\n",
    "www/index.html": "home\n",
    "www/deny/a.txt": "a\n",
    "www/remote/a.txt": "a\n",
    "www/order/a.txt": "a\n",
    "www/except/a.txt": "a\n",
    "www/.hidden": "hidden\n",
    "www/.git/config": "hidden\n",
    "www/.well-known/token": "token\n",
    "www/folder/..data": "dots\n",
    "www/links/inside.txt": { link: "../index.html" },
    "www/links/outside.txt": { link: "../../secret.txt" },
    "www/links/absolute.txt": { link: "/etc/hostname" },
    "www/links/dangling.txt": { link: "nowhere" },
    "www/links/circle.txt": { link: "circle.txt" },
    "www/links/folder": { link: "../deny" },
    "www/links/up": { link: "../.." },
    "www/unreadable.txt": "no\n",
  },
});

describe("allow, deny, limit_except", () => {
  answers(server, "deny all", get("/deny/a.txt"), { status: 403, body: /<html/i });
  answers(server, "deny all, of what does not exist", get("/deny/none"), { status: 403 });
  answers(server, "allow a network", get("/local/"), { status: 200, body: "local\n" });
  answers(server, "another network", get("/remote/a.txt"), { status: 403 });
  answers(server, "the first rule decides", get("/order/a.txt"), { status: 403 });
  answers(server, "limit_except GET: GET", get("/except/a.txt"), { status: 200 });
  answers(server, "limit_except GET: HEAD comes with it", get("/except/a.txt", {}, "HEAD"), { status: 200 });
  answers(server, "limit_except GET: POST", get("/except/a.txt", {}, "POST"), { status: 403 });
  answers(server, "limit_except with allow", get("/exceptme/", {}, "POST"), { status: 200, body: "me\n" });
});

describe("links", () => {
  const rows: [path: string, status: number][] = [
    ["/links/inside.txt", 200],
    ["/links/outside.txt", 403],
    ["/links/absolute.txt", 403],
    ["/links/dangling.txt", 404],
    ["/links/circle.txt", 403],
    ["/links/folder/a.txt", 200],
    ["/links/up/secret.txt", 403],
    ["/follow/inside.txt", 200],
    ["/follow/outside.txt", 200],
    ["/follow/absolute.txt", 200],
    ["/follow/up/secret.txt", 200],
    ["/refuse/inside.txt", 403],
    ["/refuse/folder/a.txt", 403],
  ];
  for (const [path, status] of rows) answers(server, `${path}: ${status}`, get(path), { status });
});

describe("dotfiles", () => {
  answers(server, "a hidden file", get("/.hidden"), { status: 404 });
  answers(server, "below a hidden folder", get("/.git/config"), { status: 404 });
  answers(server, "encoded", get("/%2Ehidden"), { status: 404 });
  answers(server, "two dots before a name", get("/folder/..data"), { status: 404 });
  answers(server, ".well-known", get("/.well-known/token"), { status: 200, body: "token\n" });
  answers(server, "allowed", get("/dots/.hidden"), { status: 200, body: "hidden\n" });
});

describe("no way out", () => {
  const paths = [
    "/../secret.txt",
    "/%2e%2e/secret.txt",
    "/%2e%2e%2fsecret.txt",
    "/..%5csecret.txt",
    "/..\\secret.txt",
    "/deny/../../secret.txt",
    "/dots/../../secret.txt",
    "/dots../secret.txt",
    "/dots..%2fsecret.txt",
    "/%252e%252e/secret.txt",
    "/....//secret.txt",
    "/./../secret.txt",
    "/%c0%ae%c0%ae/secret.txt",
    "/..;/secret.txt",
    "/../www-secret/x.txt",
    "//../secret.txt",
    "/index.html/../../secret.txt",
    "/..%00/secret.txt",
    "/follow/../../secret.txt",
    "/refuse/up/secret.txt",
  ];
  test.each(paths)("%s", async (path) => {
    const reply = await ask(server.port, get(path));
    expect([400, 403, 404]).toContain(reply.status);
    expect(reply.text).not.toContain("secret\n");
    expect(reply.text).not.toContain("sibling\n");
  });
});

test.skipIf(isRoot)("a file without read permission is 403 (skipped as root, who may read all)", async () => {
  chmodSync(join(server.folder, "www/unreadable.txt"), 0);
  expect((await ask(server.port, get("/unreadable.txt"))).status).toBe(403);
});
