/** The PROXY protocol: headers of both versions, in any cut, and the transport that takes them off. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ERRNO } from "../../../ffi/errno.ts";
import { Block } from "../../../ffi/memory.ts";
import { LONGEST_PROXY_HEADER, readProxyHeader } from "../../../src/network/proxy-protocol/header.ts";
import { ProxiedTransport } from "../../../src/network/proxy-protocol/proxied-transport.ts";
import type { Transport } from "../../../src/network/transport.ts";

const SIGNATURE = "\r\n\r\n\0\r\nQUIT\n";
const V4 = "\x01\x02\x03\x04\x05\x06\x07\x08\x04\x57\x08\xae"; // 1.2.3.4:1111 to 5.6.7.8:2222
const V6 = `${"\x20\x01\x0d\xb8".padEnd(15, "\0")}\x01${"\xfe\x80".padEnd(15, "\0")}\x02\x00\x01\x00\x02`;

/** A version 2 header: version and command, family and transport, the rest with its length in front. */
function v2(command: number, family: number, rest: string, length = rest.length): string {
  return SIGNATURE + String.fromCharCode(command, family, length >> 8, length & 255) + rest;
}

const bytes = (text: string): Buffer => Buffer.from(text, "latin1");

/** What a header tells: "source:port > server:port", "none", or what is wrong; every shorter beginning must ask for more. */
function read(text: string): string {
  const whole = bytes(text);
  const result = readProxyHeader(Buffer.concat([whole, bytes("GET / HTTP/1.1\r\n")]));
  if (result === null) return "incomplete";
  if (typeof result === "string") return result;
  expect(result.length).toBe(whole.length);
  for (let cut = 0; cut < whole.length; cut++) expect(readProxyHeader(whole.subarray(0, cut))).toBeNull();
  const { addresses } = result;
  if (addresses === null) return "none";
  return `${addresses.sourceAddress}:${addresses.sourcePort} > ${addresses.serverAddress}:${addresses.serverPort}`;
}

describe("headers that are right", () => {
  test.each([
    ["PROXY TCP4 1.2.3.4 5.6.7.8 1111 2222\r\n", "1.2.3.4:1111 > 5.6.7.8:2222"],
    ["PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255:65535 > 255.255.255.255:65535"],
    ["PROXY TCP6 2001:DB8::1 ::1 1 2\r\n", "2001:db8::1:1 > ::1:2"],
    ["PROXY TCP4 1.2.3.4 5.6.7.8 0 2\r\n", "1.2.3.4:0 > 5.6.7.8:2"],
    ["PROXY UNKNOWN\r\n", "none"],
    ["PROXY UNKNOWN ffff:f...f:ffff and whatever\r\n", "none"],
    [v2(0x21, 0x11, V4), "1.2.3.4:1111 > 5.6.7.8:2222"],
    [v2(0x21, 0x21, V6), "2001:db8::1:1 > fe80::2:2"],
    [v2(0x21, 0x11, `${V4}\x01\x00\x02h2\x04\x00\x03abc`), "1.2.3.4:1111 > 5.6.7.8:2222"], // TLVs
    [v2(0x21, 0x11, V4 + "t".repeat(LONGEST_PROXY_HEADER - 16 - 12)), "1.2.3.4:1111 > 5.6.7.8:2222"],
    [v2(0x20, 0x00, ""), "none"], // LOCAL: the balancer's own check
    [v2(0x20, 0x11, V4), "none"],
    [v2(0x22, 0x11, V4), "none"], // an unknown command
    [v2(0x21, 0x12, V4), "none"], // UDP
    [v2(0x21, 0x31, "u".repeat(216)), "none"], // unix sockets
    [v2(0x21, 0x00, "anything"), "none"],
  ])("%j", (header, expected) => expect(read(header)).toBe(expected));
});

describe("headers that are wrong", () => {
  const broken = (line: string) => `broken header: "${line}"`;
  test.each([
    ["GET / HTTP/1.1\r\n\r\n", broken("GET / HTTP/1.1")],
    ["proxy TCP4 1.2.3.4 5.6.7.8 1 2\r\n", broken("proxy TCP4 1.2.3.4 5.6.7.8 1 2")],
    ["PROXY\tTCP4 1.2.3.4 5.6.7.8 1 2\r\n", broken("PROXY\tTCP4 1.2.3.4 5.6.7.8 1 2")],
    ["PROXY TCP5 1.2.3.4 5.6.7.8 1 2\r\n", broken("PROXY TCP5 1.2.3.4 5.6.7.8 1 2")],
    ["PROXY TCP4 1.2.3 5.6.7.8 1 2\r\n", broken("PROXY TCP4 1.2.3 5.6.7.8 1 2")],
    ["PROXY TCP4 ::1 ::2 1 2\r\n", broken("PROXY TCP4 ::1 ::2 1 2")],
    ["PROXY TCP6 1.2.3.4 5.6.7.8 1 2\r\n", broken("PROXY TCP6 1.2.3.4 5.6.7.8 1 2")],
    ["PROXY TCP4 1.2.3.4 5.6.7.8 65536 2\r\n", broken("PROXY TCP4 1.2.3.4 5.6.7.8 65536 2")],
    ["PROXY TCP4 1.2.3.4 5.6.7.8 -1 2\r\n", broken("PROXY TCP4 1.2.3.4 5.6.7.8 -1 2")],
    ["PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n", broken("PROXY TCP4 1.2.3.4 5.6.7.8 1")],
    ["PROXY TCP4 1.2.3.4 5.6.7.8 1 2 \r\n", broken("PROXY TCP4 1.2.3.4 5.6.7.8 1 2 ")],
    ["PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n", broken("PROXY TCP4 1.2.3.4 5.6.7.8 1 2")],
    [`PROXY UNKNOWN ${"x".repeat(92)}\r\n`, broken(`PROXY UNKNOWN ${"x".repeat(92)}`)], // 108 bytes
    ["\r\n\r\n\0\r\nQUIT\r\n", broken("")],
    [v2(0x11, 0x11, V4), "unknown PROXY protocol version: 1"],
    [v2(0x31, 0x11, V4), "unknown PROXY protocol version: 3"],
    [v2(0x21, 0x11, "abc"), "header is too short for its addresses"],
    [v2(0x21, 0x21, V4), "header is too short for its addresses"],
    [v2(0x21, 0x11, V4, 4096), "header is too large"],
  ])("%j", (header, expected) => expect(read(header)).toBe(expected));

  test("any bytes: an answer, never an exception; what is refused stays refused", () => {
    const starts = fc.constantFrom("", "PROXY ", "PROXY TCP4 1.2.3.4 ", SIGNATURE, v2(0x21, 0x11, ""));
    fc.assert(
      fc.property(starts, fc.uint8Array({ maxLength: 300 }), (start, rest) => {
        const all = Buffer.concat([bytes(start), rest]);
        const first = readProxyHeader(all);
        const more = readProxyHeader(Buffer.concat([all, bytes("\r\nmore")]));
        if (typeof first === "string") expect(typeof more).toBe("string");
        else if (first !== null) expect(more).toEqual(first);
      }),
    );
  });
});

/** A transport that gives pieces; an empty one: nothing waits now. */
class Pieces implements Transport {
  owner = { onReady() {} };
  readonly fd = 9;
  readonly [key: string]: unknown;
  readonly writable = true;
  readonly broken = false;
  readonly lost = false;
  ended = false;
  closed = false;
  constructor(private readonly pieces: Buffer[]) {}

  get readable(): boolean {
    return this.pieces.length > 0 && this.pieces[0]!.length > 0;
  }

  watch = () => 0;
  send = () => 1;
  sendFile = () => 1;
  shut = () => {};
  close(): void {
    this.closed = true;
  }

  receive(block: Block, offset: number, length: number): number {
    const piece = this.pieces.shift();
    if (piece === undefined) this.ended = true;
    if (piece === undefined) return 0;
    if (piece.length > length) this.pieces.unshift(piece.subarray(length));
    return piece.length === 0 ? -ERRNO.EAGAIN : piece.copy(block.bytes, offset, 0, length);
  }
}

/** What a connection receives through the transport, its problem, and the address it learnt. */
function through(pieces: Buffer[], ask = 200): { text: string; problem: string; source: string | undefined } {
  let [text, problem] = ["", ""];
  const transport = new ProxiedTransport(new Pieces(pieces), (what) => (problem = what));
  const block = new Block(5000);
  for (let n = 1; n !== 0 && !transport.lost; ) {
    n = transport.receive(block, 7, ask);
    if (n > 0) text += block.bytes.latin1Slice(7, 7 + n);
    else if (n < 0 && n !== -ERRNO.EAGAIN) break;
  }
  return { text, problem, source: transport.proxied?.sourceAddress };
}

describe("the transport", () => {
  const request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  const headers = ["PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n", v2(0x21, 0x11, `${V4}\x01\x00\x02h2`)];
  test.each(headers)("takes %j off, wherever it is cut", (header) => {
    const all = bytes(header + request);
    for (let cut = 0; cut <= all.length; cut++) {
      const pieces = [all.subarray(0, cut), bytes(""), all.subarray(cut)].filter((one, i) => i === 1 || one.length > 0);
      expect(through(pieces)).toEqual({ text: request, problem: "", source: "1.2.3.4" });
    }
    const single = Array.from(all, (_, i) => all.subarray(i, i + 1));
    expect(through(single)).toEqual({ text: request, problem: "", source: "1.2.3.4" });
    expect(through([all], 1)).toEqual({ text: request, problem: "", source: "1.2.3.4" });
  });

  test("a broken header ends the connection, whatever follows", () => {
    const { text, problem } = through([bytes("GET / HTTP/1.1\r\n"), bytes("PROXY UNKNOWN\r\nGET / HTTP/1.1\r\n\r\n")]);
    expect([text, problem]).toEqual(["", 'broken header: "GET / HTTP/1.1"']);
  });

  test("a second header belongs to the request", () => {
    expect(through([bytes(`PROXY UNKNOWN\r\n${headers[0]}${request}`)]).text).toBe(headers[0]! + request);
  });

  test("an end within the header is an end", () => {
    expect(through([bytes("PROXY TC")])).toEqual({ text: "", problem: "", source: undefined });
  });
});
