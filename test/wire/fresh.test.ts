/** What lies on the disk is what is served: after a change of every kind, at the latest within open_file_cache_valid. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, renameSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ask, get } from "./client.ts";
import { useServer } from "./server.ts";

setDefaultTimeout(60_000);

const server = useServer({
  configuration: `
    server {
      listen 127.0.0.1:0;
      root www;
      location /u/    { alias www/u/; autoindex on; }
      location /live/ { alias www/live/; }
      location /thumbs/ { try_files $uri /cgi/make.sh$uri; }
      location /cgi/  { cgi .sh /bin/sh; }
      location /page/ { open_file_cache_valid 1h; }
      location /remembered/ { open_file_cache_errors on; open_file_cache_valid 1h; }
    }`,
  files: {
    "www/same.txt": "first",
    "www/u/a.txt": "a",
    "www/live/index.html": "old",
    "www/page/form.html": "before",
    "www/thumbs/": "",
    "www/remembered/": "",
    "www/cgi/make.sh": `#!/bin/sh
name=$(basename "$PATH_INFO")
cd "$(dirname "$SCRIPT_FILENAME")/../thumbs" && printf 'thumbnail %s' "$name" > "$name"
printf 'Location: /thumbs/%s\\n\\n' "$name"
`,
    "www/cgi/edit.sh": `#!/bin/sh
printf after > "$(dirname "$SCRIPT_FILENAME")/../page/form.html"
printf 'Status: 303\\nLocation: /page/form.html\\n\\n'
`,
  },
});

const at = (path: string): string => join(server.folder, "www", path);
const text = async (target: string): Promise<string> => (await ask(server.port, get(target))).text;
const status = async (target: string): Promise<number> => (await ask(server.port, get(target))).status;

test("another content of the same size and mtime (tar --mtime=@1, cp -p)", async () => {
  utimesSync(at("same.txt"), 1, 1);
  const before = await ask(server.port, get("/same.txt"));
  expect(before.text).toBe("first");
  writeFileSync(at("same.txt"), "FIRST");
  utimesSync(at("same.txt"), 1, 1);
  let now = before;
  while (now.text === "first") now = await ask(server.port, get("/same.txt"));
  expect(now.text).toBe("FIRST");
  expect(now.field("ETag")).not.toBe(before.field("ETag")!);
  const conditional = get("/same.txt", { "If-None-Match": before.field("ETag")! });
  expect((await ask(server.port, conditional)).status).toBe(200);
});

test("a folder that is removed and made again", async () => {
  expect(await text("/u/")).toContain("a.txt");
  for (let i = 0; i < 20; i++) {
    rmSync(at("u"), { recursive: true });
    mkdirSync(at("u"));
    writeFileSync(at(`u/new${i}.txt`), "n");
    expect(await text("/u/")).toContain(`new${i}.txt`);
    expect(await text(`/u/new${i}.txt`)).toBe("n");
  }
  rmSync(at("u"), { recursive: true });
  expect(await status("/u/none.txt")).toBe(404);
});

test("a folder that is renamed for a new one: what only the new one has is there at once", async () => {
  expect(await text("/live/index.html")).toBe("old");
  mkdirSync(at("next"));
  writeFileSync(at("next/index.html"), "new");
  writeFileSync(at("next/added.html"), "added");
  renameSync(at("live"), at("previous"));
  renameSync(at("next"), at("live"));
  expect(await text("/live/added.html")).toBe("added");
});

describe("a missing file is not remembered", () => {
  test("by default", async () => {
    for (let i = 0; i < 20; i++) {
      expect(await status(`/made${i}.txt`)).toBe(404);
      writeFileSync(at(`made${i}.txt`), "made");
      expect(await text(`/made${i}.txt`)).toBe("made");
    }
  });
  test("with open_file_cache_errors it is, for as long as files are", async () => {
    expect(await status("/remembered/x")).toBe(404);
    writeFileSync(at("remembered/x"), "x");
    expect(await status("/remembered/x")).toBe(404);
  });
});

describe("what a script has written", () => {
  test("is found when it redirects there: a thumbnail made on a miss", async () => {
    for (let i = 0; i < 20; i++) expect(await text(`/thumbs/${i}.png`)).toBe(`thumbnail ${i}.png`);
  });
  test("is shown when it answers 303 to it", async () => {
    expect(await text("/page/form.html")).toBe("before");
    const reply = await ask(server.port, "POST /cgi/edit.sh HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    expect([reply.status, await text(reply.field("Location")!)]).toEqual([303, "after"]);
  });
});
