/** Names that clients give their files lead into no nested location that would not take them. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { ask } from "./client.ts";
import { until, useServer } from "./server.ts";
import { form, tree, unfinished, withBody } from "./upload-requests.ts";

setDefaultTimeout(60_000);

const server = useServer({
  configuration: `
    server {
      listen 127.0.0.1:0;
      root www;
      location /shared/ {
        upload_store www/shared;
        location /shared/off/      { upload_store off; }
        location /shared/denied/   { deny all; }
        location /shared/fixed/    { return 200 "fixed\\n"; }
        location /shared/inside/   { internal; }
        location /shared/reading/  { allowed_methods GET HEAD; }
        location /shared/limited/  { limit_except GET { deny all; } }
        location /shared/other/    { upload_store www/elsewhere; }
        location /shared/same/     { upload_store www/shared/same; client_max_body_size 1g; }
        location /shared/post/     { allowed_methods POST; }
        location ~ \\.php$         { upload_store off; }
        location ~ \\.jpg$         { expires 1d; }
        location ~ "(?!-)(\\w+)+\\.exe$" { deny all; }
      }
      location ~ \\.png$           { expires 1d; }
      location /shared/beside/     { deny all; }
      location = /shared/exact      { return 200 "exact\\n"; }
      location = /shared/form-exact { return 200 "exact\\n"; }
    }`,
  files: Object.fromEntries(
    [
      "off",
      "denied",
      "fixed",
      "inside",
      "reading",
      "limited",
      "other",
      "same",
      "post",
      "free",
      "free/deep",
      "beside",
    ].map((name) => [`www/shared/${name}/`, ""]),
  ),
});
const store = (): string => join(server.folder, "www/shared");
const base64 = (text: string): string => Buffer.from(text).toString("base64");

/** An upload of no byte by tus, which is a file at once: of a path, or of a name alone. */
async function create(path: string): Promise<number> {
  const metadata = `${path.includes("/") ? "relativePath" : "filename"} ${base64(path)}`;
  const fields = { "Tus-Resumable": "1.0.0", "Upload-Length": "0", "Upload-Metadata": metadata };
  return (await ask(server.port, withBody("POST", "/shared/", "", { fields }))).status;
}

const rows: [path: string, taken: boolean, why: RegExp | null][] = [
  ["off/x", false, /takes no uploads/],
  ["denied/x", false, /denies access by rule/],
  ["fixed/x", false, /takes no uploads/],
  ["inside/x", false, /takes no uploads/],
  ["reading/x", false, /allows neither PUT nor POST/],
  ["limited/x", false, /denies access by rule/],
  ["other/x", false, /has another upload_store/],
  ["a.php", false, /takes no uploads/],
  ["free/deep/a.php", false, /takes no uploads/],
  ["beside/x", false, /takes no uploads/],
  ["exact", false, /takes no uploads/],
  ["same/x", true, null],
  ["post/x", true, null],
  ["free/x", true, null],
  ["a.jpg", true, null],
  ["a.png", true, null],
];

/** What the engine gives up on, though the expression for .exe matches it. */
const UNDECIDED = `${"a".repeat(40)}-x.exe`;

describe("an upload by tus", () => {
  test.each(rows)("%s is taken: %p", async (path, taken, why) => {
    expect(await create(path)).toBe(taken ? 201 : 403);
    expect(tree(store()).includes(path)).toBe(taken);
    if (why === null) return;
    await until(
      () => server.stderr.split("\n").some((line) => line.includes(`storing "/shared/${path}"`) && why.test(line)),
      () => server.stderr,
    );
  });

  test("to a path whose location is not known is refused", async () => {
    expect(await create(UNDECIDED)).toBe(500);
    expect(tree(store())).not.toContain(UNDECIDED);
  });
});

describe("a file in a form", () => {
  test("to a path whose location is not known is refused", async () => {
    expect((await ask(server.port, form("/shared/", [[UNDECIDED, "x"]]))).status).toBe(500);
    expect(tree(store())).not.toContain(UNDECIDED);
    await until(
      () => server.stderr.includes(`"(?!-)(\\w+)+\\.exe$" takes too many steps to match "/shared/${UNDECIDED}"`),
      () => server.stderr,
    );
  });

  test.each(rows)("%s is taken: %p", async (path, taken) => {
    const cut = path.lastIndexOf("/") + 1;
    // Without the slash at its end a folder's path is the outer location's.
    const folder = cut === 0 ? "/shared/" : `/shared/${path.slice(0, cut - 1)}`;
    const names = [`good-${path.replaceAll(/\W/g, "-")}.txt`, `form-${path.slice(cut)}`];
    const reply = await ask(
      server.port,
      form(folder, [
        [names[0]!, "good"],
        [names[1]!, "x"],
      ]),
    );
    expect(reply.status).toBe(taken ? 201 : 403);
    const stored = tree(store());
    expect(names.map((name) => stored.includes(path.slice(0, cut) + name))).toEqual([taken, taken]);
    expect(unfinished(store())).toEqual([]);
  });
});
