/** FastCGI 1.0: the records of a reply, cut anywhere, whole and hostile. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { lengthOctets, RecordReader, requestRecords, stdinHeader } from "../../../../src/handlers/fastcgi/records.ts";
import { endRequest, readRequest, record, STDERR, STDOUT } from "./world.ts";

/** What a reader makes of pieces: the payload, stderr, and how it ended. */
function read(pieces: readonly Buffer[], fatal = "\0") {
  let stderr = "";
  let payload = "";
  const reader: RecordReader = new RecordReader((bytes, start, end) => {
    stderr += bytes.latin1Slice(start, end);
    return stderr.includes(fatal) ? reader.refuse("fatal") : true;
  });
  for (const piece of pieces) {
    // Room before and behind must stay as it is.
    const bytes = Buffer.concat([Buffer.from("<<"), piece, Buffer.from(">>")]);
    const n = reader.decode(bytes, 2, 2 + piece.length);
    expect(bytes.latin1Slice(0, 2) + bytes.latin1Slice(2 + piece.length)).toBe("<<>>");
    if (n < 0) break;
    payload += bytes.latin1Slice(2, 2 + n);
  }
  const { reason, complete, excess, stdoutEnded } = reader;
  return { payload, stderr, reason, complete, excess, stdoutEnded };
}

function cut(bytes: Buffer, positions: readonly number[]): Buffer[] {
  const ends = [...positions.map((n) => n % (bytes.length + 1)), bytes.length].toSorted((a, b) => a - b);
  return ends.map((end, i) => bytes.subarray(ends[i - 1] ?? 0, end));
}

const REPLY = Buffer.concat([
  record(STDERR, "a warning\n", { padding: 3 }),
  record(STDOUT, "Status: 200\r\n\r\nhel", { padding: 255 }),
  record(STDERR, ""),
  record(STDOUT, "lo"),
  record(STDOUT, "", { padding: 8 }),
  endRequest(0, 7),
]);

test("stdout is the payload, stderr goes elsewhere", () => {
  expect(read([REPLY])).toEqual({
    payload: "Status: 200\r\n\r\nhello",
    stderr: "a warning\n",
    reason: "",
    complete: true,
    excess: false,
    stdoutEnded: true,
  });
});

test("byte by byte it is the same", () => {
  expect(read(cut(REPLY, [...REPLY.keys()]))).toEqual(read([REPLY]));
});

test("any records cut anywhere give what they give at once", () => {
  const content = fc.string({ unit: "binary-ascii", maxLength: 300 });
  const options = fc.record({
    padding: fc.nat(255),
    id: fc.constantFrom(1, 1, 1, 1, 1, 1, 0, 257),
    version: fc.constantFrom(1, 1, 1, 1, 1, 1, 1, 2),
  });
  const type = fc.constantFrom(STDOUT, STDOUT, STDOUT, STDERR, 3, 11);
  const records = fc.array(fc.tuple(type, content, options), { maxLength: 6 });
  const property = fc.property(records, fc.array(fc.nat(5000), { maxLength: 12 }), (all, positions) => {
    const bytes = Buffer.concat(all.map(([kind, text, how]) => record(kind, text, how)));
    const whole = read([bytes]);
    const inPieces = read(cut(bytes, positions));
    // What came before a fault is the payload of earlier pieces; at once there is none.
    if (whole.reason !== "") expect(inPieces.reason).toBe(whole.reason);
    else expect(inPieces).toEqual(whole);
  });
  fc.assert(property, { numRuns: 3000 });
});

describe("refused", () => {
  const refused = (bytes: Buffer[], reason: string) =>
    test(reason, () => {
      const whole = Buffer.concat(bytes);
      expect(read([whole]).reason).toBe(reason);
      expect(read(cut(whole, [...whole.keys()])).reason).toBe(reason);
    });
  refused([record(STDOUT, "a", { version: 2 })], "unsupported FastCGI protocol version: 2");
  refused([record(11, "")], "invalid FastCGI record type: 11");
  refused([record(STDOUT, "a", { id: 2 })], "unexpected FastCGI request id low byte: 2");
  refused([record(STDOUT, "a", { id: 257 })], "unexpected FastCGI request id high byte: 1");
  refused([endRequest()], "unexpected FastCGI record: 3");
  refused([record(STDOUT, "a"), endRequest(2)], "FastCGI protocol status 2 (it is overloaded)");
  refused([record(STDOUT, ""), record(STDOUT, "a")], "FastCGI stdout after its end");
  refused([Buffer.from("HTTP/1.1 200 OK\r\n")], "unsupported FastCGI protocol version: 72");
});

test("what stderr says can end the reply", () => {
  expect(read([Buffer.concat([record(STDERR, "PHP Fatal error"), record(STDOUT, "a")])], "Fatal").reason).toBe("fatal");
});

test("what comes behind END_REQUEST is excess", () => {
  expect(read([Buffer.concat([REPLY, Buffer.from("x")])])).toMatchObject({ complete: true, excess: true });
});

test("the end of the request needs the padding, too", () => {
  expect(read([REPLY.subarray(0, -1)]).complete).toBe(false);
});

test("empty records by the thousand give nothing and keep nothing", () => {
  const bomb = Buffer.concat(Array.from({ length: 20_000 }, () => record(STDERR, "", { padding: 1 })));
  expect(read([bomb])).toMatchObject({ payload: "", stderr: "", reason: "", complete: false });
});

describe("a request", () => {
  test("begins, has its parameters, and ends them", () => {
    const { types, flags, params } = readRequest(requestRecords(`${lengthOctets(1)}${lengthOctets(2)}abc`, false));
    expect({ types, flags, params }).toEqual({ types: [1, 4, 4], flags: 0, params: [["a", "bc"]] });
  });

  test("asks for the connection to be kept", () => {
    expect(readRequest(requestRecords("", true))).toEqual({ types: [1, 4], flags: 1, params: [] });
  });

  test("parameters of more than a record go on in the next", () => {
    const value = "v".repeat(140_000);
    const { types, params } = readRequest(
      requestRecords(`${lengthOctets(1)}${lengthOctets(value.length)}a${value}`, false),
    );
    expect(types).toEqual([1, 4, 4, 4, 4]);
    expect(params).toEqual([["a", value]]);
  });

  test("lengths from 128 on have four bytes", () => {
    expect([127, 128, 70_000].map((n) => [...Buffer.from(lengthOctets(n), "latin1")])).toEqual([
      [127],
      [0x80, 0, 0, 128],
      [0x80, 1, 0x11, 0x70],
    ]);
  });

  test("its body's pieces are STDIN records", () => {
    expect([...stdinHeader(65_535)]).toEqual([1, 5, 0, 1, 255, 255, 0, 0]);
    expect([...stdinHeader(0)]).toEqual([1, 5, 0, 1, 0, 0, 0, 0]);
  });
});
