/**
 * The head of an entry's file: how long it is fresh, whose it is, and the reply's status and fields; the body follows it. The format
 * is our own. Its first 96 bytes have a fixed form and can be written anew in place, when an entry was revalidated. Pure.
 */
import type { Field } from "../../../exchange/reply.ts";

/** Says what the file is, with the version of the format. */
const MAGIC = Buffer.from("WSCACHE1", "latin1");
/** Bytes of the fixed part. */
export const PRELUDE = 96;
/** Longest head. nginx's limit is `proxy_buffer_size`, which has held the head already. */
export const LONGEST_HEAD = 128 * 1024;

const AT = {
  checksum: 8,
  headLength: 12,
  bodyLength: 16,
  until: 24,
  whileUpdating: 32,
  ifError: 40,
  storedAt: 48,
  modified: 56,
  status: 64,
  fieldCount: 66,
  keyLength: 68,
  varyLength: 72,
  etagLength: 76,
  variant: 80,
} as const;

export interface EntryHead {
  readonly key: string;
  /** Fresh up to and with this second since 1970, and seconds after that for the two exceptions. */
  readonly until: number;
  readonly whileUpdating: number;
  readonly ifError: number;
  /** The second in which it was stored or revalidated. */
  readonly storedAt: number;
  readonly status: number;
  /** As the peer sent them, without those of the connection and its framing. */
  readonly fields: readonly Field[];
  /** The reply's Vary; "": it has no variants. */
  readonly vary: string;
  /** The name of the variant (key.ts) for the request that brought it; "" without Vary. */
  readonly variant: string;
  /** For revalidation: seconds since 1970, -1: unknown; and the tag, "": none. */
  readonly modified: number;
  readonly etag: string;
  /** Bytes of the body; -1 only while it is written. */
  readonly bodyLength: number;
}

/** Writes a head. Null: it is too long to be stored. */
export function encodeHead(head: EntryHead): Buffer | null {
  const fields = encodeFields(head.fields);
  const texts = [head.key, head.vary, head.etag].map((text) => Buffer.from(text, "latin1"));
  const length = PRELUDE + texts.reduce((sum, text) => sum + text.length, 0) + fields.length;
  if (length > LONGEST_HEAD || head.fields.length > 0xffff) return null;
  const bytes = Buffer.alloc(length);
  MAGIC.copy(bytes);
  bytes.writeUInt32LE(length, AT.headLength);
  writeNumbers(bytes, head);
  bytes.writeUInt16LE(head.status, AT.status);
  bytes.writeUInt16LE(head.fields.length, AT.fieldCount);
  bytes.writeUInt32LE(texts[0]!.length, AT.keyLength);
  bytes.writeUInt32LE(texts[1]!.length, AT.varyLength);
  bytes.writeUInt32LE(texts[2]!.length, AT.etagLength);
  if (head.variant !== "") bytes.write(head.variant, AT.variant, 16, "hex");
  Buffer.concat([...texts, fields]).copy(bytes, PRELUDE);
  bytes.writeUInt32LE(checksum(bytes, length), AT.checksum);
  return bytes;
}

function writeNumbers(bytes: Buffer, head: EntryHead): void {
  bytes.writeDoubleLE(head.bodyLength, AT.bodyLength);
  bytes.writeDoubleLE(head.until, AT.until);
  bytes.writeDoubleLE(head.whileUpdating, AT.whileUpdating);
  bytes.writeDoubleLE(head.ifError, AT.ifError);
  bytes.writeDoubleLE(head.storedAt, AT.storedAt);
  bytes.writeDoubleLE(head.modified, AT.modified);
}

const checksum = (bytes: Buffer, length: number): number => Bun.hash.crc32(bytes.subarray(AT.headLength, length));

/** Each field: lengths of name (2 bytes) and value (4), then both. */
function encodeFields(fields: readonly Field[]): Buffer {
  const length = fields.reduce((sum, [name, value]) => sum + 6 + name.length + value.length, 0);
  const bytes = Buffer.alloc(length);
  let at = 0;
  for (const [name, value] of fields) {
    bytes.writeUInt16LE(name.length, at);
    bytes.writeUInt32LE(value.length, at + 2);
    bytes.latin1Write(name, at + 6);
    bytes.latin1Write(value, at + 6 + name.length);
    at += 6 + name.length + value.length;
  }
  return bytes;
}

/** The length of the head that begins here; 0: these bytes are no entry's. `bytes` holds at least the fixed part. */
export function headLength(bytes: Buffer): number {
  if (bytes.length < PRELUDE || MAGIC.compare(bytes, 0, MAGIC.length) !== 0) return 0;
  const length = bytes.readUInt32LE(AT.headLength);
  return length < PRELUDE || length > LONGEST_HEAD ? 0 : length;
}

/** Reads a head out of its bytes, which are complete; null: it is damaged. */
export function decodeHead(bytes: Buffer): EntryHead | null {
  const length = headLength(bytes);
  if (length === 0 || length > bytes.length || checksum(bytes, length) !== bytes.readUInt32LE(AT.checksum)) return null;
  const lengths = [AT.keyLength, AT.varyLength, AT.etagLength].map((at) => bytes.readUInt32LE(at));
  let at = PRELUDE;
  const [key, vary, etag] = lengths.map((size) => bytes.latin1Slice(at, (at += size)));
  const fields = decodeFields(bytes, at, length, bytes.readUInt16LE(AT.fieldCount));
  const bodyLength = bytes.readDoubleLE(AT.bodyLength);
  if (at > length || fields === null || !(bodyLength >= 0)) return null;
  return {
    key: key!,
    vary: vary!,
    etag: etag!,
    fields,
    bodyLength,
    variant: vary === "" ? "" : bytes.toString("hex", AT.variant, AT.variant + 16),
    status: bytes.readUInt16LE(AT.status),
    until: bytes.readDoubleLE(AT.until),
    whileUpdating: bytes.readDoubleLE(AT.whileUpdating),
    ifError: bytes.readDoubleLE(AT.ifError),
    storedAt: bytes.readDoubleLE(AT.storedAt),
    modified: bytes.readDoubleLE(AT.modified),
  };
}

function decodeFields(bytes: Buffer, start: number, end: number, count: number): Field[] | null {
  const fields: Field[] = [];
  let at = start;
  for (let i = 0; i < count; i++) {
    if (at + 6 > end) return null;
    const name = bytes.readUInt16LE(at);
    const value = bytes.readUInt32LE(at + 2);
    at += 6;
    if (at + name + value > end) return null;
    fields.push([bytes.latin1Slice(at, at + name), bytes.latin1Slice(at + name, at + name + value)]);
    at += name + value;
  }
  return at === end ? fields : null;
}
