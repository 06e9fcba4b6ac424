/** Directory listings: a page for people, JSON for programs (docs/behaviour.md, Replies). */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { check } from "./cases.ts";
import { ask, get } from "./client.ts";
import { answers } from "./explained.ts";
import { useServer } from "./server.ts";

setDefaultTimeout(60_000);

const STRANGE = `a&b <c> "d" 'e' %41 #?;ü.txt`;

const server = useServer({
  configuration: `
    server {
      listen 127.0.0.1:0;
      root www;
      autoindex on;
      location /json/ { alias www/files/; autoindex_format json; }
      location /dots/ { alias www/files/; dotfiles allow; }
      location /off/  { alias www/files/; autoindex off; }
      location /many/json/ { alias www/many/; autoindex_format json; }
    }`,
  files: {
    "www/files/b.txt": "12345",
    "www/files/a.txt": "1",
    "www/files/zfolder/x": "",
    "www/files/large.bin": { size: 5_000_000 },
    "www/files/.hidden": "",
    "www/files/link": { link: "a.txt" },
    "www/files/dangling": { link: "nowhere" },
    [`www/files/${STRANGE}`]: "strange\n",
    "www/files/<script>alert(1)</script>": "",
    "www/indexed/index.html": "index\n",
    "www/none/": "",
    ...Object.fromEntries(Array.from({ length: 3000 }, (_, i) => [`www/many/file-${i}.txt`, ""])),
  },
});

interface Item {
  readonly name: string;
  readonly type: string;
  readonly mtime: string;
  readonly size?: number;
}

describe("the page", () => {
  test("is complete HTML with every name, folders first, hidden ones not", async () => {
    const reply = await ask(server.port, get("/files/"));
    check(reply, { status: 200, fields: { "Content-Type": /text\/html.*/ }, body: /^<!doctype html>/i });
    const place = (name: string): number => reply.text.indexOf(`>${name}`);
    for (const name of ["zfolder", "a.txt", "b.txt", "large.bin"]) expect(place(name)).toBeGreaterThan(0);
    expect(place("zfolder")).toBeLessThan(place("a.txt"));
    expect(place("a.txt")).toBeLessThan(place("b.txt"));
    expect(reply.text).not.toContain(".hidden");
  });

  test("a name is text in the page and percent-encoded in its link", async () => {
    const page = (await ask(server.port, get("/files/"))).text;
    expect(page).not.toContain("<script>alert(1)");
    expect(page).not.toContain("b <c>");
    const hrefs = [...page.matchAll(/href="([^"]*)"/g)].map((match) => match[1]!.replaceAll("&amp;", "&"));
    const names = hrefs.map((href) => decodeURIComponent(href.replace(/^\.\//, "")));
    expect(names).toContain(STRANGE);
    const link = hrefs[names.indexOf(STRANGE)]!.replace(/^\.\//, "");
    expect((await ask(server.port, get(`/files/${link}`))).text).toBe("strange\n");
  });

  test("HEAD has the fields of GET", async () => {
    const whole = await ask(server.port, get("/files/"));
    const head = await ask(server.port, get("/files/", {}, "HEAD"));
    const fields = ({ fields }: typeof head) => fields.filter(([name]) => name !== "Date");
    expect(fields(head)).toEqual(fields(whole));
    expect(head.field("transfer-encoding")).toBe("chunked");
  });

  answers(server, "without the slash: 301", get("/files"), { status: 301, fields: { Location: /.*\/files\// } });
  answers(server, "an index page comes first", get("/indexed/"), { status: 200, body: "index\n" });
  answers(server, "an empty folder", get("/none/"), { status: 200, body: /<\/html>\s*$/i });
  answers(server, "off: 403", get("/off/"), { status: 403 });
  answers(server, "no such folder: 404", get("/nowhere/"), { status: 404 });
  answers(server, "dotfiles allow shows them", get("/dots/"), { status: 200, body: /\.hidden/ });
});

describe("JSON", () => {
  test("names, types, times, sizes", async () => {
    const reply = await ask(server.port, get("/json/"));
    check(reply, { status: 200, fields: { "Content-Type": /application\/json.*/ } });
    const items = JSON.parse(reply.text) as Item[];
    const byName = new Map(items.map((item) => [item.name, item]));
    expect(byName.get("b.txt")).toMatchObject({ type: "file", size: 5 });
    expect(byName.get("large.bin")).toMatchObject({ type: "file", size: 5_000_000 });
    expect(byName.get("zfolder")).toMatchObject({ type: "directory" });
    expect(byName.get("zfolder")).not.toHaveProperty("size");
    expect(byName.has(STRANGE)).toBe(true);
    expect(byName.has(".hidden")).toBe(false);
    for (const { mtime } of items) expect(mtime).toMatch(/^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/);
  });

  test("a folder of 3,000 files is whole", async () => {
    const items = JSON.parse((await ask(server.port, get("/many/json/"))).text) as Item[];
    expect(new Set(items.map((item) => item.name)).size).toBe(3000);
    expect((await ask(server.port, get("/many/"))).text.match(/file-\d+\.txt</g)?.length).toBe(3000);
  });
});
