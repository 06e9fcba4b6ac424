/** The body goes into a script and its output comes out at the same time, whatever the script does with either. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { check } from "./cases.ts";
import { ask, Client, get } from "./client.ts";
import { leavesNothing, runs, TEXT, untilEnded, untilWritten, useScripts } from "./scripts.ts";
import { PROJECT } from "./server.ts";
import { bytesOf, chunked, digest, head, withBody } from "./upload-requests.ts";

setDefaultTimeout(60_000);

const server = useScripts({
  directives: "location = /waits.sh { client_body_buffer_size 0; }",
  scripts: {
    "cat.sh": `${TEXT}; exec cat`,
    "deaf.sh": `${TEXT}; printf done`,
    "late.sh": `${TEXT}; sleep 0.5; wc -c`,
    "closed.sh": `exec 0<&-; ${TEXT}; sleep 0.3; printf done`,
    "some.sh": `${TEXT}; head -c 10`,
    "first.sh": `${TEXT}; head -c 3000000 /dev/zero; wc -c`,
    "bytes.sh": `${TEXT}; i=0; while [ $i -lt 300 ]; do printf x; i=$((i+1)); done`,
    "slowly.sh": `printf 'Content-Ty'; sleep 0.1; printf 'pe: text/plain\\r'; sleep 0.1; printf '\\n\\r'; sleep 0.1; printf '\\nbo'; sleep 0.1; printf dy`,
    "sips.sh": `${TEXT}; dd bs=1 2>/dev/null`,
    "length.sh": `${TEXT}; printf '%s:' "$CONTENT_LENGTH"; wc -c`,
    "grandchild.sh": `${TEXT}; sleep 300 & echo $! > "$DOCUMENT_ROOT/../grandchild"; printf 'the end'`,
    "grandchild-silent.sh": `(sleep 300; :) & echo $! >> "$DOCUMENT_ROOT/../silent"; exit 0`,
    "twice.sh": `${TEXT}; printf 'first '; cat > "$DOCUMENT_ROOT/../stored"; printf 'then '; wc -c < "$DOCUMENT_ROOT/../stored"`,
    "waits.sh": `${TEXT}; printf 'question\\n'; read answer; printf 'answer: %s\\n' "$answer"`,
  },
});

const MUCH = bytesOf(1, 3_000_000);

/** The body in each of its framings: known at once, and collected first. */
const framings: [name: string, request: (path: string, body: Uint8Array | string) => Buffer][] = [
  ["with Content-Length", (path, body) => withBody("POST", path, body)],
  ["in large chunks", (path, body) => withBody("POST", path, body, { chunk: 100_000 })],
  ["in small chunks", (path, body) => withBody("POST", path, body, { chunk: 611 })],
];

describe.each(framings)("a body of 3 MB %s", (_name, request) => {
  test("through cat and back", async () => {
    const reply = await ask(server.port, request("/cat.sh", MUCH));
    check(reply, { status: 200 });
    expect([reply.body.length, digest(reply.body)]).toEqual([MUCH.length, digest(MUCH)]);
  });

  test("to a script that reads nothing", async () => {
    check(await ask(server.port, request("/deaf.sh", MUCH)), { status: 200, body: "done" });
  });

  test("to a script that reads it late", async () => {
    check(await ask(server.port, request("/late.sh", MUCH)), { status: 200, body: /^\s*3000000\n$/ });
  });

  test("to a script that closes its input", async () => {
    check(await ask(server.port, request("/closed.sh", MUCH)), { status: 200, body: "done" });
  });

  test("to a script that reads a little of it", async () => {
    const reply = await ask(server.port, request("/some.sh", MUCH));
    check(reply, { status: 200 });
    expect(reply.body).toEqual(MUCH.subarray(0, 10));
  });

  test("to a script that first writes more than any pipe holds", async () => {
    const reply = await ask(server.port, request("/first.sh", MUCH));
    expect(reply.body.length - 3_000_000).toBeLessThan(20);
    expect(reply.body.toString("latin1", 3_000_000)).toMatch(/^\s*3000000\n$/);
  });

  test("to a script that says something before and behind it", async () => {
    check(await ask(server.port, request("/twice.sh", MUCH)), { status: 200, body: /^first then\s+3000000\n$/ });
  });
});

describe("the length", () => {
  test.each([0, 1, 4095, 4096, 16_383, 16_384, 16_385, 65_536, 65_537, 200_000])(
    "%d bytes are as many in CONTENT_LENGTH and on the script's input",
    async (length) => {
      const body = bytesOf(length, length);
      for (const [, request] of framings) {
        check(await ask(server.port, request("/length.sh", body)), {
          status: 200,
          body: new RegExp(`^${length}:\\s*${length}\\n$`),
        });
      }
    },
  );

  test("without a body it is not there, and the input is at its end", async () => {
    check(await ask(server.port, get("/length.sh")), { status: 200, body: /^:\s*0\n$/ });
  });
});

test("one byte at a time, out and in", async () => {
  check(await ask(server.port, get("/bytes.sh")), { status: 200, body: "x".repeat(300) });
  const body = bytesOf(2, 20_000);
  for (const [, request] of framings) {
    expect(digest((await ask(server.port, request("/sips.sh", body))).body)).toBe(digest(body));
  }
});

test("a header block in pieces", async () => {
  check(await ask(server.port, get("/slowly.sh")), {
    status: 200,
    fields: { "content-type": "text/plain" },
    body: "body",
  });
});

test("output is on its way before the body is complete: a conversation", async () => {
  const client = await Client.connect(server.port);
  void client.send(head("POST", "/waits.sh", 6));
  await client.until(() => client.pending.includes("question\n"), "the question");
  void client.send("forty\n");
  // When the reply began the end of the body was in doubt.
  check(await client.reply("POST"), {
    status: 200,
    fields: { connection: "close" },
    body: "question\nanswer: forty\n",
  });
  client.destroy();
});

test("pipelined requests to scripts are answered in their order", async () => {
  const client = await Client.connect(server.port);
  const bodies = ["one", "two", "three", "four"];
  void client.send(
    Buffer.concat(bodies.map((body, i) => withBody("POST", "/cat.sh", body, i % 2 ? { chunk: 2 } : {}))),
  );
  for (const body of bodies) check(await client.reply("POST"), { status: 200, body });
  client.destroy();
});

test("Expect: 100-continue is answered, then the script", async () => {
  for (const chunk of [0, 3]) {
    const client = await Client.connect(server.port);
    const body = Buffer.from("expected");
    void client.send(head("POST", "/cat.sh", body.length, { chunk, fields: { Expect: "100-continue" } }));
    check(await client.reply("POST"), { status: 100 });
    void client.send(chunk === 0 ? body : chunked(body, chunk));
    check(await client.reply("POST"), { status: 200, body: "expected" });
    client.destroy();
  }
});

test("a bad chunk is 400, and no script runs", async () => {
  const request = `${head("POST", "/cat.sh", 0, { chunk: 1 }).toString("latin1")}3\r\nabc\r\nzz\r\n`;
  check(await ask(server.port, request), { status: 400, fields: { connection: "close" } });
});

describe("a grandchild that keeps the pipe open", () => {
  test("does not keep the reply, and lives on", async () => {
    check(await ask(server.port, get("/grandchild.sh")), { status: 200, body: "the end" });
    const pid = Number((await untilWritten(server, "grandchild"))[0]);
    expect(runs(pid)).toBe(true);
    process.kill(pid, "SIGKILL");
    await untilEnded(pid);
  });

  test("does not keep the error of a script that said nothing", async () => {
    check(await ask(server.port, get("/grandchild-silent.sh")), { status: 502 });
    process.kill(Number((await untilWritten(server, "silent"))[0]), "SIGKILL");
  });
});

describe("100 MB through cat and back, whole", () => {
  test.each(["chunked", "length"])("%s", async (framing) => {
    const script = join(PROJECT, "bench/cgi-client.ts");
    const command = [process.execPath, "run", script, `${server.port}`, framing, "/cat.sh", "100000000"];
    const client = Bun.spawn(command, { stdin: "ignore", stdout: "ignore", stderr: "pipe" });
    expect(await client.stderr.text()).toBe("");
    expect(await client.exited).toBe(0);
  });
});

leavesNothing(server);
