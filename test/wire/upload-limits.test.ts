/** Uploads that are not wanted are refused as soon as that is known, so that the client can read why; 100 (Continue) comes only to those that are. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { check } from "./cases.ts";
import { ask, Client } from "./client.ts";
import { useServer } from "./server.ts";
import { type BodyOptions, form, head, tree, unfinished, withBody } from "./upload-requests.ts";

setDefaultTimeout(60_000);

const LIMIT = 10_000;

const server = useServer({
  configuration: `
    client_max_body_size ${LIMIT};
    server {
      listen 127.0.0.1:0;
      root www;
      location /up/ { upload_store www/up; upload_overwrite refuse; upload_max_files 2; }
      location /large/ { upload_store www/up; client_max_body_size 0; }
      location /barred/ { upload_store www/up; deny all; }
    }`,
  files: { "www/up/there": "old" },
});

const store = (): string => join(server.folder, "www/up");

/** Fields that make a client wait for 100 (Continue). */
const EXPECT: Record<string, string> = { Expect: "100-continue" };
const framings: [name: string, options: BodyOptions][] = [
  ["with a length", {}],
  ["in chunks", { chunk: 1000 }],
];

describe("Expect: 100-continue", () => {
  test.each(framings)("%s: 100 before the body, then 201", async (name, options) => {
    const request = withBody("PUT", `/up/expected ${name}`.replaceAll(" ", "-"), "content", {
      ...options,
      fields: EXPECT,
    });
    const bodyAt = request.indexOf("\r\n\r\n") + 4;
    const client = await Client.connect(server.port);
    await client.send(request.subarray(0, bodyAt));
    check(await client.reply("PUT"), { status: 100 });
    void client.send(request.subarray(bodyAt));
    check(await client.reply("PUT"), { status: 201 });
    client.destroy();
    expect(readFileSync(join(store(), `expected-${name.replaceAll(" ", "-")}`), "utf8")).toBe("content");
  });

  const refused: [name: string, request: Buffer, status: number][] = [
    ["a body that is too large", head("PUT", "/up/a", LIMIT + 1, { fields: EXPECT }), 413],
    ["a name that is taken", head("PUT", "/up/there", 1, { fields: EXPECT }), 409],
    ["a name that is taken, in chunks", head("PUT", "/up/there", 1, { fields: EXPECT, chunk: 1 }), 409],
    ["a folder that is a file", head("PUT", "/up/there/a", 1, { fields: EXPECT }), 409],
    ["a bad name", head("PUT", "/up/.a", 1, { fields: EXPECT }), 400],
    ["a location without uploads", head("PUT", "/a", 1, { fields: EXPECT }), 405],
    ["a location that is barred", head("PUT", "/barred/a", 1, { fields: EXPECT }), 403],
    ["a condition that fails", head("PUT", "/large/there", 1, { fields: { ...EXPECT, "If-Match": '"x"' } }), 412],
    [
      "a form without a boundary",
      head("POST", "/up/", 1, { fields: { ...EXPECT, "Content-Type": "multipart/form-data" } }),
      400,
    ],
    ["another expectation", head("PUT", "/up/a", 1, { fields: { Expect: "200-ok" } }), 417],
  ];
  test.each(refused)("%s: the final status, and no 100", async (_name, request, status) => {
    const client = await Client.connect(server.port);
    await client.send(request);
    check(await client.reply("PUT"), { status });
    client.destroy();
  });
});

describe("a body beyond client_max_body_size is 413", () => {
  test("announced: before a byte of it is sent", async () => {
    const client = await Client.connect(server.port);
    await client.send(head("PUT", "/up/announced", LIMIT + 1));
    check(await client.reply("PUT"), { status: 413, fields: { Connection: "close" } });
    client.destroy();
  });

  test("in chunks: as soon as a chunk says so", async () => {
    const client = await Client.connect(server.port);
    await client.send(head("PUT", "/up/chunks", 0, { chunk: 1 }));
    await client.send(`${LIMIT.toString(16)}\r\n${"x".repeat(LIMIT)}\r\n1\r\n`);
    check(await client.reply("PUT"), { status: 413, fields: { Connection: "close" } });
    client.destroy();
  });

  test("exactly the limit is stored", async () => {
    const whole = "x".repeat(LIMIT);
    check(await ask(server.port, withBody("PUT", "/up/exactly", whole)), { status: 201 });
    check(await ask(server.port, withBody("PUT", "/up/exactly-chunked", whole, { chunk: 777 })), { status: 201 });
    const form1 = form("/up/", [["form", whole]]);
    check(await ask(server.port, form1), { status: 413 });
    check(await ask(server.port, form("/large/", [["form", whole]])), { status: 201 });
  });

  /** Twenty megabytes are more than any socket's buffers hold: a client that does not read before it has sent would be stuck. */
  const MUCH = Buffer.alloc(20_000_000, "x");
  const eager: [name: string, request: Buffer][] = [
    ["with a length", withBody("PUT", "/up/eager", MUCH)],
    ["in chunks", withBody("PUT", "/up/eager", MUCH, { chunk: 60_000 })],
    ["in one chunk", withBody("PUT", "/up/eager", MUCH, { chunk: MUCH.length })],
    ["a form", form("/up/", [["eager", MUCH.toString("latin1")]])],
  ];
  test.each(eager)("%s: the client reads the reply while it is still sending", async (_name, request) => {
    const client = await Client.connect(server.port);
    void client.send(request);
    check(await client.reply("PUT"), { status: 413, fields: { Connection: "close" } });
    await client.until(() => client.isClosed, "the end");
    expect(client.isReset).toBe(false);
    client.destroy();
  });

  test("nothing of them is left", () => {
    expect(unfinished(store())).toEqual([]);
    expect(tree(store()).filter((path) => !/^(exactly|expected|there|form)/.test(path))).toEqual([]);
  });
});

test("a form of more files than upload_max_files is 413, and none appears", async () => {
  const files = ["m1", "m2", "m3"].map((name) => [name, "x"] as const);
  check(await ask(server.port, form("/up/", files)), { status: 413 });
  expect(tree(store()).filter((path) => path.startsWith("m"))).toEqual([]);
  check(await ask(server.port, form("/up/", files.slice(1))), { status: 201 });
  expect(tree(store()).filter((path) => path.startsWith("m"))).toEqual(["m2", "m3"]);
  expect(unfinished(store())).toEqual([]);
});
