/** How a reply is framed in HTTP/1.1, and what its head says of the connection (RFC 9112 §6, §9; RFC 9110 §7.6.1). */
import { describe, expect, test } from "bun:test";
import { Http1, makeWholeReply } from "../../../src/connection/http1.ts";
import { Outbox } from "../../../src/connection/outbox.ts";
import { Output } from "../../../src/connection/output.ts";
import type { Field, ReplyBody } from "../../../src/exchange/reply.ts";
import { BufferPool } from "../../../src/network/buffers.ts";
import { TestTransport } from "./transport.ts";

interface Case {
  readonly method?: string;
  readonly minor?: number;
  readonly told?: number;
  readonly status?: number;
  readonly body?: ReplyBody;
  readonly length?: number;
  readonly persists?: boolean;
}

function scene() {
  const transport = new TestTransport();
  const output = new Output(transport, new Outbox(), new BufferPool(), { onOutputStuck() {} });
  return { transport, output, http: new Http1(output) };
}

const asked = ({ method = "GET", minor = 1, told }: Case) => ({
  method,
  request: { minor },
  settings: { keepaliveHeader: told ?? null, chunkedTransferEncoding: true },
});

/** What goes out for a reply, without its status line; and whether the connection goes on. */
function framed(given: Case): { readonly text: string; readonly goesOn: boolean } {
  const { transport, output, http } = scene();
  const { status = 200, body = null, length, persists = true } = given;
  const fields: Field[] = [["X", "y"]];
  const goesOn = http.reply(asked(given), status, fields, body, length, persists);
  output.pump();
  const text = transport.sent.slice(transport.sent.indexOf("\r\n") + 2);
  const head = text.slice(0, text.indexOf("\r\n\r\n") + 2);
  expect(fields.map(([name, value]) => `${name}: ${value}\r\n`).join("")).toBe(head);
  expect(http.bytesSent).toBe(transport.sent.length);
  expect(http.bodyBytesSent).toBe(text.length - head.length - 2);
  return { text: text.replaceAll("\r\n", "|"), goesOn };
}

const bytes = Buffer.from("body");
function stream(length = -1): ReplyBody {
  let left = "body";
  return {
    kind: "stream",
    length,
    read(block, offset) {
      const n = block.bytes.latin1Write(left, offset);
      left = "";
      return n;
    },
    close() {},
  };
}

const rows: [name: string, given: Case, text: string, goesOn: boolean][] = [
  ["bytes", { body: bytes }, "X: y|Content-Length: 4||body", true],
  ["no body", {}, "X: y|Content-Length: 0||", true],
  ["HEAD", { method: "HEAD", body: bytes }, "X: y|Content-Length: 4||", true],
  ["HEAD with a length of which nothing is said", { method: "HEAD", length: -1 }, "X: y||", true],
  ["204", { status: 204 }, "X: y||", true],
  ["304 of a body", { status: 304, body: bytes }, "X: y||", true],
  ["a stream of a known length", { body: stream(4) }, "X: y|Content-Length: 4||body", true],
  ["a stream", { body: stream() }, "X: y|Transfer-Encoding: chunked||4|body|0||", true],
  ["a stream for HTTP/1.0", { body: stream(), minor: 0 }, "X: y|Connection: close||body", false],
  ["HEAD of a stream", { method: "HEAD", body: stream() }, "X: y|Transfer-Encoding: chunked||", true],
  ["HEAD of a stream in HTTP/1.0", { method: "HEAD", body: stream(), minor: 0 }, "X: y|Connection: keep-alive||", true],
  ["the last reply", { persists: false }, "X: y|Content-Length: 0|Connection: close||", false],
  ["HTTP/1.0 that goes on", { minor: 0 }, "X: y|Content-Length: 0|Connection: keep-alive||", true],
  ["a time told", { told: 5 }, "X: y|Content-Length: 0|Connection: keep-alive|Keep-Alive: timeout=5||", true],
  ["no time told at the end", { told: 5, persists: false }, "X: y|Content-Length: 0|Connection: close||", false],
];
test.each(rows)("%s", (_name, given, text, goesOn) => {
  expect(framed(given)).toEqual({ text, goesOn });
});

describe("a kept reply", () => {
  const make = () =>
    makeWholeReply(
      {
        status: 200,
        fields: [["Date", "now"]],
        body: bytes,
        length: undefined,
        kept: true,
        options: undefined,
        encoded: null,
      },
      7,
    );
  const HEAD = "HTTP/1.1 200 OK|Date: now|Content-Length: 4|";

  test("knows where its date is", () => {
    const reply = make();
    expect(reply.block.bytes.latin1Slice(reply.dateOffset, reply.dateOffset + 3)).toBe("now");
    expect(reply.dateSecond).toBe(7);
  });

  const sent: [name: string, given: Case, text: string][] = [
    ["as it is", {}, `${HEAD}|body`],
    ["HEAD", { method: "HEAD" }, `${HEAD}|`],
    ["the last", { persists: false }, `${HEAD}Connection: close||body`],
    ["HTTP/1.0 that goes on", { minor: 0 }, `${HEAD}Connection: keep-alive||body`],
    ["a time told", { told: 5 }, `${HEAD}Connection: keep-alive|Keep-Alive: timeout=5||body`],
    ["HEAD of the last", { method: "HEAD", persists: false }, `${HEAD}Connection: close||`],
  ];
  test.each(sent)("%s", (_name, given, text) => {
    const { transport, output, http } = scene();
    http.replyWhole(asked(given), make(), null, given.persists ?? true);
    output.pump();
    expect(transport.sent.replaceAll("\r\n", "|")).toBe(text);
    expect(http.bytesSent).toBe(transport.sent.length);
  });
});

test("a raw reply is sent as it comes; a reply cut short counts what was taken", () => {
  const { transport, output, http } = scene();
  http.begin();
  http.cutShort();
  expect(http.bytesSent).toBe(0);
  http.replyRaw(stream() as never);
  output.pump();
  expect([transport.sent, http.bytesSent, http.bodyBytesSent]).toEqual(["body", 4, 4]);
  http.begin();
  transport.room = 5;
  http.reply(asked({}), 200, [], bytes, undefined, true);
  output.pump();
  http.cutShort();
  expect(http.bytesSent).toBe(5);
});
