/** The header block of a script's output (RFC 3875 §6), whole and cut anywhere, with LF, CRLF and a mixture of both. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { OutputHead } from "../../../src/handlers/cgi/output.ts";

interface Outcome {
  /** Bytes of the block; 0: incomplete. */
  length: number;
  reason: string;
  status: number;
  location: string | null;
  contentLength: number;
  sessionPatch: string | null;
  fields: string[];
}

/** What comes of `bytes` that arrive in pieces which end at `ends`, in one buffer that is used again. */
function read(bytes: Buffer, ends: readonly number[]): Outcome {
  const head = new OutputHead();
  const buffer = Buffer.alloc(bytes.length + 3);
  let from = 0;
  let outcome = 0;
  let length = 0;
  for (const end of ends) {
    buffer.fill("?");
    bytes.copy(buffer, 3, from, end);
    outcome = head.feed(buffer, 3, 3 + end - from);
    if (outcome > 0) length = from + outcome;
    if (outcome !== 0) break;
    from = end;
  }
  buffer.fill("?");
  const { reason, status, location, contentLength, sessionPatch } = head;
  const fields = head.fields.map(([name, value]) => `${name}: ${value}`);
  return { length, reason, status, location, contentLength, sessionPatch, fields };
}

const whole = (bytes: Buffer): Outcome => read(bytes, [bytes.length]);
const bytewise = (bytes: Buffer): Outcome =>
  read(
    bytes,
    Array.from(bytes, (_, i) => i + 1),
  );

/** The block with each way to end its lines. */
function variants(block: string): Buffer[] {
  let n = 0;
  const texts = [block, block.replaceAll("\n", "\r\n"), block.replace(/\n/g, () => (n++ % 2 ? "\n" : "\r\n"))];
  return texts.map((text) => Buffer.from(text, "latin1"));
}

/** The same whole, byte by byte, and cut in two anywhere. */
function everyWay(bytes: Buffer): Outcome {
  const outcome = whole(bytes);
  expect(bytewise(bytes)).toEqual(outcome);
  for (let cut = 1; cut < bytes.length; cut++) expect(read(bytes, [cut, bytes.length])).toEqual(outcome);
  return outcome;
}

const NOTHING = { reason: "", status: 0, location: null, contentLength: -1, sessionPatch: null, fields: [] };

function accepts(block: string, expected: Partial<Outcome>, why: string): void {
  test(why, () => {
    for (const bytes of variants(block)) {
      expect(everyWay(bytes)).toEqual({ ...NOTHING, length: bytes.length, ...expected });
      const withBody = Buffer.concat([bytes, Buffer.from("\n\nbody: \r\n\0")]);
      expect(everyWay(withBody)).toEqual({ ...NOTHING, length: bytes.length, ...expected });
    }
  });
}

function refuses(block: string, reason: string, why: string): void {
  test(why, () => {
    for (const bytes of variants(block)) {
      const outcome = everyWay(bytes);
      expect(outcome.length).toBe(0);
      expect(outcome.reason).toContain(reason);
    }
  });
}

const TYPE = "Content-Type: text/plain\n";
const TYPED = { fields: ["Content-Type: text/plain"] };

describe("what is accepted", () => {
  accepts(`${TYPE}\n`, TYPED, "a document (§6.2.1)");
  accepts("content-TYPE:text/plain\n\n", { fields: ["content-TYPE: text/plain"] }, "capitals, and no space");
  accepts("Content-Type: \t text/plain \t\n\n", TYPED, "white space around a value");
  accepts("Location: /a?b\n\n", { location: "/a?b" }, "a local redirect (§6.2.2)");
  accepts("Location: http://a/#b\n\n", { location: "http://a/#b" }, "a client redirect (§6.2.3)");
  accepts(
    `Status: 303 See Other\nLocation: http://a/\n${TYPE}\n`,
    { ...TYPED, status: 303, location: "http://a/" },
    "a client redirect with a document (§6.2.4)",
  );
  accepts("Status: 204\n\n", { status: 204 }, "a status alone, without words");
  accepts("Status: 404 Not \xffFound: there\n\n", { status: 404 }, "any words behind a status");
  accepts("status:599\n\n", { status: 599 }, "a status that no one knows");
  accepts(`${TYPE}Content-Length: 0\n\n`, { ...TYPED, contentLength: 0 }, "an empty document");
  accepts(`${TYPE}Content-Length: 9007199254740991\n\n`, { ...TYPED, contentLength: 2 ** 53 - 1 }, "a very long one");
  accepts(
    `Set-Cookie: a=1\n${TYPE}Set-Cookie: b=2\nX-Empty:\nX-Octets: \xc3\xbc\xff\n\n`,
    {
      fields: ["Set-Cookie: a=1", "Content-Type: text/plain", "Set-Cookie: b=2", "X-Empty: ", "X-Octets: \xc3\xbc\xff"],
    },
    "other fields in their order, repeated ones too",
  );
  accepts(
    `Connection: close\nDate: x\nKeep-Alive: 5\nServer: x\nTE: x\nTrailer: x\nTransfer-Encoding: chunked\nUPGRADE: h2c\nProxy-Connection: x\n${TYPE}\n`,
    TYPED,
    "what belongs to the connection or the server is left out (§6.3.4)",
  );
  accepts(
    `${TYPE}X-Session-Patch: {"a":null}\n\n`,
    { ...TYPED, sessionPatch: '{"a":null}' },
    "a session's patch apart",
  );
  accepts(`${TYPE}X-A: b: c, d\te\n\n`, { fields: [...TYPED.fields, "X-A: b: c, d\te"] }, "colons and tabs in a value");
});

describe("what is refused", () => {
  refuses("\n", "neither Content-Type", "an empty block");
  refuses(`\n${TYPE}\n`, "neither Content-Type", "an empty line first");
  refuses("X-A: b\n\n", "neither Content-Type", "neither type nor place nor status");
  refuses("Content-Length: 3\n\n", "neither Content-Type", "a length alone");
  refuses(`\xef\xbb\xbf${TYPE}\n`, "no field name", "a byte order mark");
  refuses(`${TYPE} folded\n\n`, "white space", "a folded line (RFC 9112 §5.2)");
  refuses(`${TYPE}\tfolded\n\n`, "white space", "one folded with a tab");
  refuses(` ${TYPE}\n`, "white space", "a space first");
  refuses("HTTP/1.1 200 OK\n\n", "no colon", "a status line");
  refuses("<html>\n<body>\n", "no colon", "a document without a head");
  refuses("Content-Type : text/plain\n\n", "no field name", "a space before the colon");
  refuses(": x\n\n", "no field name", "no name");
  refuses("X A: x\n\n", "no field name", "a space in a name");
  refuses("X-\xfc: x\n\n", "no field name", "a name that is no token");
  refuses(`${TYPE}X-A: a\0b\n\n`, "control character", "a NUL in a value");
  refuses(`${TYPE}X-A: a\rb\n\n`, "control character", "a bare CR in a value");
  refuses(`${TYPE}X-A: a\x7fb\n\n`, "control character", "a DEL in a value");
  for (const value of ["", "ok", "20", "2000", "099", "100", "101 Switching Protocols", "600", "200OK", "+20", "2 0"]) {
    refuses(`Status: ${value}\n\n`, "Status", `the status "${value}"`);
  }
  for (const value of [
    "",
    "-1",
    "+1",
    "1.5",
    "0x1",
    "1 2",
    "1, 1",
    "1,1",
    "9007199254740992",
    "9".repeat(400),
    "ten",
  ]) {
    refuses(`${TYPE}Content-Length: ${value}\n\n`, "Content-Length", `the length "${value.slice(0, 20)}"`);
  }
  refuses("Location:\n\n", "Location", "no place in Location");
  for (const line of ["Status: 200\n", "Location: /a\n", "Content-Length: 1\n", TYPE, "X-Session-Patch: {}\n"]) {
    refuses(`${TYPE === line ? "" : TYPE}${line}X-A: b\n${line.toUpperCase()}\n`, "twice", `${line.trim()} twice`);
  }
});

describe("what is not complete", () => {
  for (const block of ["", "Content", TYPE, TYPE.trimEnd(), `${TYPE}\r`, `${TYPE}X-A: b\n`]) {
    test(JSON.stringify(block), () => {
      expect(bytewise(Buffer.from(block))).toMatchObject({ length: 0, reason: "" });
    });
  }
});

describe("64 KiB and not a byte more", () => {
  const LIMIT = 64 * 1024;
  const block = (length: number): Buffer => Buffer.from(`${TYPE}X-A: ${"a".repeat(length - TYPE.length - 7)}\n\n`);
  const many = (length: number): Buffer => {
    const room = length - TYPE.length - 1;
    return Buffer.from(`${TYPE}${"A:b\n".repeat((room >> 2) - 1)}${"A".repeat(1 + (room & 3))}:b\n\n`);
  };
  const behind = Buffer.alloc(100_000, "body");
  for (const [what, make] of [["one long line", block] as const, ["many lines", many] as const]) {
    test(`${what}: as long as it may be`, () => {
      const bytes = Buffer.concat([make(LIMIT), behind]);
      for (const ends of [[bytes.length], [LIMIT, bytes.length], [LIMIT - 1, bytes.length], [1, LIMIT + 1]]) {
        expect(read(bytes, ends)).toMatchObject({ length: LIMIT, reason: "" });
      }
    });
    test(`${what}: one byte longer`, () => {
      const bytes = Buffer.concat([make(LIMIT + 1), behind]);
      for (const ends of [[bytes.length], [LIMIT, bytes.length], [LIMIT + 1], [LIMIT - 1, LIMIT + 1], [1, LIMIT + 1]]) {
        expect(read(bytes, ends)).toMatchObject({ length: 0, reason: expect.stringContaining("longer than 65536") });
      }
    });
  }
  test("refused as soon as it cannot end in time", () => {
    const bytes = Buffer.alloc(LIMIT, "a");
    expect(read(bytes, [LIMIT - 1]).reason).toBe("");
    expect(read(bytes, [LIMIT - 1, LIMIT]).reason).toContain("longer");
  });
});

/** Pieces of which blocks and near-blocks are made. */
const PIECES = (
  "Content-Type: text/plain|Status: 200 OK|Status: 9|Location: /a|Content-Length: 3|X-A: b|X-A:|Set-Cookie: a=b|:|\r|\n|\n|\n|" +
  "\r\n|\r\n|\n\n|\r\n\r\n| |\t|\0|\xff|Transfer-Encoding: chunked|X-Session-Patch: {}|a"
).split("|");

test("cutting a block anywhere never changes what it says", () => {
  const blocks = fc.array(fc.constantFrom(...PIECES), { maxLength: 14 }).map((pieces) => pieces.join(""));
  const property = fc.property(blocks, fc.array(fc.nat(120), { maxLength: 8 }), (block, cuts) => {
    const bytes = Buffer.from(block, "latin1");
    const ends = [...cuts.filter((cut) => cut < bytes.length).toSorted((a, b) => a - b), bytes.length];
    expect(read(bytes, ends)).toEqual(whole(bytes));
  });
  fc.assert(property, { numRuns: 5000 });
});

test("nothing that is accepted can break a reply's head apart", () => {
  const blocks = fc
    .array(fc.constantFrom(...PIECES), { maxLength: 14 })
    .map((pieces) => `${TYPE}${pieces.join("")}\n\n`);
  const property = fc.property(blocks, (block) => {
    const outcome = whole(Buffer.from(block, "latin1"));
    if (outcome.length === 0) return;
    for (const text of [...outcome.fields, outcome.location ?? ""]) expect(text).not.toMatch(/[\0\r\n]/);
    for (const field of outcome.fields)
      expect(field).not.toMatch(/^(status|location|content-length|transfer-encoding):/i);
  });
  fc.assert(property, { numRuns: 3000 });
});
