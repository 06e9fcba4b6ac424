/** Files that come in: PUT, POST and forms, with a length and in chunks, alone and in a row, and what is served afterwards. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { check, exchange } from "./cases.ts";
import { ask, Client, get, type Reply } from "./client.ts";
import { useServer } from "./server.ts";
import { type BodyOptions, bytesOf, form, unfinished, withBody } from "./upload-requests.ts";

setDefaultTimeout(60_000);

const server = useServer({
  configuration: `
    client_max_body_size 10m;
    server {
      listen 127.0.0.1:0;
      root www;
      location /up/ { upload_store www/up; autoindex on; autoindex_format json; }
      location /keep/ { upload_store www/keep; upload_overwrite refuse; }
      location /new/ { upload_store www/new; upload_overwrite replace; }
      location /slow/ { upload_store www/up; client_body_timeout 1s; }
    }`,
  files: { "www/up/": "", "www/keep/": "", "www/new/": "" },
});

const path = (name: string): string => join(server.folder, "www", name);
const stored = (name: string): string => readFileSync(path(name), "latin1");
const put = (name: string, body: string | Uint8Array, options?: BodyOptions): Promise<Reply> =>
  ask(server.port, withBody("PUT", name, body, options));
const post = (name: string, body: string | Uint8Array, options?: BodyOptions): Promise<Reply> =>
  ask(server.port, withBody("POST", name, body, options));

const framings: [name: string, options: BodyOptions][] = [
  ["with a length", {}],
  ["in chunks", { chunk: 7 }],
];

describe.each(framings)("%s:", (framing, options) => {
  const name = framing.replaceAll(" ", "-");

  test("PUT stores, then replaces", async () => {
    check(await put(`/up/put-${name}`, "first", options), { status: 201, fields: { Location: `/up/put-${name}` } });
    expect(stored(`up/put-${name}`)).toBe("first");
    check(await put(`/up/put-${name}`, "second one", options), { status: 204, body: "" });
    expect(stored(`up/put-${name}`)).toBe("second one");
  });

  test("POST stores under the last segment, and beside what is there", async () => {
    check(await post(`/up/post-${name}.txt`, "one", options), { status: 201 });
    const again = await post(`/up/post-${name}.txt`, "two", options);
    check(again, { status: 201, fields: { Location: `/up/post-${name}-1.txt` } });
    expect([stored(`up/post-${name}.txt`), stored(`up/post-${name}-1.txt`)]).toEqual(["one", "two"]);
  });

  test("a form's files all appear", async () => {
    const files = [
      [`${name}-a.txt`, "A"],
      [`${name}-ü.bin`, "B".repeat(5000)],
      [`${name}-empty`, ""],
    ] as const;
    const reply = await ask(server.port, form("/up/", files, { ...options, fields: { Accept: "application/json" } }));
    check(reply, { status: 201, fields: { Location: "/up/", "Content-Type": /application\/json.*/ } });
    expect(JSON.parse(reply.text).map(({ name, size }: { name: string; size: number }) => [name, size])).toEqual(
      files.map(([name, content]) => [name, content.length]),
    );
    for (const [file, content] of files) expect(stored(`up/${file}`)).toBe(content);
  });

  test("five megabytes of every byte arrive as they are", async () => {
    const bytes = bytesOf(1, 5_000_000);
    const large = options.chunk ? { chunk: 65_521 } : {};
    check(await put(`/up/large-${name}`, bytes, large), { status: 201 });
    expect(Buffer.compare(readFileSync(path(`up/large-${name}`)), bytes)).toBe(0);
    const served = await ask(server.port, get(`/up/large-${name}`));
    expect(Buffer.compare(served.body, bytes)).toBe(0);
  });

  test("an empty body is an empty file", async () => {
    check(await put(`/up/empty-${name}`, "", options), { status: 201 });
    expect(stored(`up/empty-${name}`)).toBe("");
  });
});

describe("cut at every byte", () => {
  const requests: [name: string, request: Buffer, file: string, content: string][] = [
    ["PUT with a length", withBody("PUT", "/new/cut-1", "a body of 20 bytes.."), "new/cut-1", "a body of 20 bytes.."],
    ["PUT in chunks", withBody("PUT", "/new/cut-2", "chunked body", { chunk: 5 }), "new/cut-2", "chunked body"],
    ["a form", form("/new/", [["cut-3", "\r\n--not it\r\n"]]), "new/cut-3", "\r\n--not it\r\n"],
  ];
  test.each(requests)("%s", async (_name, request, file, content) => {
    const inTwo = async (cut: number): Promise<void> => {
      const client = await Client.connect(server.port);
      await client.send(request.subarray(0, cut));
      await Bun.sleep(2); // lets the server see the two pieces apart; the result is the same when it does not
      void client.send(request.subarray(cut));
      expect((await client.reply("PUT")).status).toBeOneOf([201, 204]);
      client.destroy();
      expect(stored(file)).toBe(content);
    };
    for (let cut = 1; cut < request.length; cut += 16) {
      await Promise.all(Array.from({ length: Math.min(16, request.length - cut) }, (_, i) => inTwo(cut + i)));
    }
    expect(unfinished(path("new"))).toEqual([]);
  });
});

describe("a connection goes on after an upload", () => {
  test("one upload after the other, and other requests between", async () => {
    const client = await Client.connect(server.port);
    for (let i = 0; i < 20; i++) {
      const options = i % 2 ? { chunk: 3 } : {};
      check(await client.ask(withBody("PUT", `/up/row-${i}`, `content ${i}`, options)), { status: 201 });
      check(await client.ask(get(`/up/row-${i}`)), { status: 200, body: `content ${i}` });
    }
    client.destroy();
  });

  test("pipelined PUTs, then GETs of what they stored", async () => {
    const client = await Client.connect(server.port);
    const numbers = Array.from({ length: 30 }, (_, i) => i);
    const puts = numbers.map((i) => withBody("PUT", `/up/pipe-${i}`, `piped ${i}`, i % 3 === 0 ? { chunk: 4 } : {}));
    void client.send(Buffer.concat([...puts, ...numbers.map((i) => Buffer.from(get(`/up/pipe-${i}`)))]));
    for (const _ of numbers) check(await client.reply("PUT"), { status: 201 });
    for (const i of numbers) check(await client.reply(), { status: 200, body: `piped ${i}` });
    client.destroy();
  });
});

describe("what was stored is served at once", () => {
  test("where a 404 is remembered", async () => {
    for (let i = 0; i < 3; i++) check(await ask(server.port, get("/up/late")), { status: 404 });
    check(await put("/up/late", "here"), { status: 201 });
    check(await ask(server.port, get("/up/late")), { status: 200, body: "here" });
  });

  test("where old content is remembered", async () => {
    check(await put("/up/cached", "old content"), { status: 201 });
    for (let i = 0; i < 3; i++) check(await ask(server.port, get("/up/cached")), { status: 200, body: "old content" });
    check(await put("/up/cached", "new"), { status: 204 });
    check(await ask(server.port, get("/up/cached")), { status: 200, body: "new" });
  });

  test("in the listing, which shows nothing unfinished", async () => {
    const client = await Client.connect(server.port);
    await client.send(withBody("PUT", "/up/listed", "x".repeat(100)).subarray(0, -50));
    check(await put("/up/listed-whole", "x"), { status: 201 });
    const names = JSON.parse((await ask(server.port, get("/up/"))).text).map((entry: { name: string }) => entry.name);
    expect(names).toContain("listed-whole");
    expect(names).not.toContain("listed");
    expect(names.filter((name: string) => name.startsWith("."))).toEqual([]);
    client.destroy();
  });
});

describe("a name that is taken", () => {
  test("upload_overwrite rename: POST finds another name, PUT replaces", async () => {
    for (const expected of ["n.txt", "n-1.txt", "n-2.txt"]) {
      check(await ask(server.port, form("/up/", [["n.txt", expected]])), { status: 201 });
      expect(stored(`up/${expected}`)).toBe(expected);
    }
    check(await put("/up/n.txt", "put"), { status: 204 });
    expect(stored("up/n.txt")).toBe("put");
  });

  test("upload_overwrite replace", async () => {
    for (const content of ["one", "two"]) {
      check(await ask(server.port, form("/new/", [["n.txt", content]])), { status: 201 });
      expect(stored("new/n.txt")).toBe(content);
    }
    check(await post("/new/n.txt", "three"), { status: 201 });
    check(await put("/new/n.txt", "four"), { status: 204 });
    expect(stored("new/n.txt")).toBe("four");
  });

  test("upload_overwrite refuse: 409 to all, and the file stays", async () => {
    check(await put("/keep/n.txt", "one"), { status: 201 });
    check(await put("/keep/n.txt", "two"), { status: 409 });
    check(await post("/keep/n.txt", "three"), { status: 409 });
    const both = form("/keep/", [
      ["other.txt", "not alone"],
      ["n.txt", "four"],
    ]);
    check(await ask(server.port, both), { status: 409 });
    expect(stored("keep/n.txt")).toBe("one");
    expect(existsSync(path("keep/other.txt"))).toBe(false);
    expect(unfinished(path("keep"))).toEqual([]);
  });
});

test("stored files may be read by all and run by none, even in place of one that could be run", async () => {
  writeFileSync(path("up/tool"), "#!/bin/sh\n");
  chmodSync(path("up/tool"), 0o755);
  check(await put("/up/tool", "text"), { status: 204 });
  check(await put("/up/plain", "text"), { status: 201 });
  expect([statSync(path("up/tool")).mode & 0o7777, statSync(path("up/plain")).mode & 0o7777]).toEqual([0o644, 0o644]);
});

test("PUT makes the folders beneath the store; POST does not", async () => {
  check(await put("/up/deep/er/file", "x"), { status: 201, fields: { Location: "/up/deep/er/file" } });
  expect(stored("up/deep/er/file")).toBe("x");
  check(await post("/up/nowhere/file", "x"), { status: 404 });
  check(await ask(server.port, form("/up/nowhere/", [["file", "x"]])), { status: 404 });
  expect(existsSync(path("up/nowhere"))).toBe(false);
});

describe("conditions of a PUT are checked against the target", () => {
  test("If-None-Match: * creates only; If-Match changes only what is known", async () => {
    const onlyNew = { fields: { "If-None-Match": "*" } };
    check(await put("/up/cond", "one", onlyNew), { status: 201 });
    check(await put("/up/cond", "two", onlyNew), { status: 412 });
    const etag = (await ask(server.port, get("/up/cond"))).field("etag")!;
    check(await put("/up/cond", "three", { fields: { "If-Match": etag } }), { status: 204 });
    check(await put("/up/cond", "four", { fields: { "If-Match": '"stale"' } }), { status: 412 });
    check(await put("/up/not-there", "x", { fields: { "If-Match": "*" } }), { status: 412 });
    expect(stored("up/cond")).toBe("three");
    expect(existsSync(path("up/not-there"))).toBe(false);
  });
});

describe("bodies that are broken leave nothing", () => {
  const broken: [name: string, request: Buffer | string, status: number][] = [
    [
      "a bad chunk size",
      "PUT /up/b1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n",
      400,
    ],
    [
      "no CRLF after a chunk",
      "PUT /up/b2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloXX0\r\n",
      400,
    ],
    [
      "a form without a boundary",
      withBody("POST", "/up/", "x", { fields: { "Content-Type": "multipart/form-data" } }),
      400,
    ],
    ["a form without its end", form("/up/", [["b3", "x"]]).subarray(0, -4), 400],
    ["a form of no files", form("/up/", []), 400],
    ["a range of a file", withBody("PUT", "/up/b4", "x", { fields: { "Content-Range": "bytes 0-0/10" } }), 400],
  ];
  test.each(broken)("%s", async (_name, request, status) => {
    const client = await Client.connect(server.port);
    await client.send(request);
    client.finish();
    check(await client.reply("PUT"), { status });
    client.destroy();
    expect(unfinished(path("up"))).toEqual([]);
    for (const name of ["b1", "b2", "b3", "b4"]) expect(existsSync(path(`up/${name}`))).toBe(false);
  });

  test("the parts before the broken one do not appear either", async () => {
    const whole = form("/up/", [
      ["first-part", "x"],
      ["second-part", "y"],
    ]);
    const text = whole
      .toString("latin1")
      .replace('filename="second-part"\r\nContent-Type', 'filename="second-part"\r\n: ');
    const request = text.replace(
      /Content-Length: \d+/,
      `Content-Length: ${text.length - text.indexOf("\r\n\r\n") - 4}`,
    );
    check(await ask(server.port, request), { status: 400 });
    expect([existsSync(path("up/first-part")), existsSync(path("up/second-part"))]).toEqual([false, false]);
    expect(unfinished(path("up"))).toEqual([]);
  });
});

test("a body that stops coming is 408, and leaves nothing", async () => {
  const client = await Client.connect(server.port);
  await client.send(withBody("PUT", "/slow/stopped", "x".repeat(1000)).subarray(0, -1));
  check(await client.reply("PUT"), { status: 408, fields: { Connection: "close" } });
  client.destroy();
  expect(existsSync(path("up/stopped"))).toBe(false);
  expect(unfinished(path("up"))).toEqual([]);
});

test("the page about an upload is HTML unless JSON is asked for, and escapes names", async () => {
  const reply = await exchange(server.port, form("/up/", [["<b>&.txt", "x"]]), { status: 201 });
  check(reply, { status: 201, fields: { "Content-Type": /text\/html.*/ }, body: /&lt;b&gt;&amp;\.txt/ });
  expect(reply.text).not.toContain("<b>&");
});
