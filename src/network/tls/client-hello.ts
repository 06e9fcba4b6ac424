/**
 * Reads the name that a client asks for (server_name, RFC 6066 §3) from the start of a TLS connection, before any library sees it:
 * so the right certificate is chosen without a callback. Records may cut the ClientHello anywhere.
 */

/** More bytes are needed. */
export const INCOMPLETE = "incomplete";

const HANDSHAKE = 22;
const CLIENT_HELLO = 1;
const SERVER_NAME = 0;
const HOST_NAME = 0;
const RECORD_HEAD = 5;
const MESSAGE_HEAD = 4;
/** Longest record (RFC 8446 §5.1) and ClientHello that are waited for; real ones have some 2 KB. */
const LONGEST_RECORD = 16384;
const LONGEST_HELLO = 16384;
/** Most records that it may be cut into: each byte that comes alone has all of them looked at again. Real clients cut it into one or two. */
const MOST_RECORDS = 64;

/**
 * The host name in small letters, "" when there is none, or INCOMPLETE. null: this is no ClientHello, which the library then says to
 * the client in its own alert.
 */
export function serverNameIn(bytes: Uint8Array): string | null {
  const message = handshakeMessage(bytes);
  if (typeof message === "string" || message === null) return message;
  return nameOf(new Reader(message));
}

/** The first handshake message without its head, put together from the records. */
function handshakeMessage(bytes: Uint8Array): Uint8Array | typeof INCOMPLETE | null {
  const pieces: Uint8Array[] = [];
  let have = 0;
  let wanted = MESSAGE_HEAD;
  for (let at = 0; have < wanted; ) {
    if (at < bytes.length && bytes[at] !== HANDSHAKE) return null;
    if (bytes.length < at + RECORD_HEAD) return INCOMPLETE;
    const length = (bytes[at + 3]! << 8) | bytes[at + 4]!;
    if (length === 0 || length > LONGEST_RECORD || pieces.length === MOST_RECORDS) return null;
    const piece = bytes.subarray(at + RECORD_HEAD, at + RECORD_HEAD + length);
    pieces.push(piece);
    have += piece.length;
    if (have >= MESSAGE_HEAD && wanted === MESSAGE_HEAD) {
      const head = pieces.length === 1 ? piece : Buffer.concat(pieces);
      if (head[0] !== CLIENT_HELLO) return null;
      wanted += (head[1]! << 16) | (head[2]! << 8) | head[3]!;
      if (wanted > LONGEST_HELLO) return null;
    }
    if (piece.length < length && have < wanted) return INCOMPLETE;
    at += RECORD_HEAD + length;
  }
  const whole = pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
  return whole.subarray(MESSAGE_HEAD, wanted);
}

/** Reads fields in order; `failed` once one was longer than what is left. */
class Reader {
  failed = false;
  private at = 0;

  constructor(private readonly bytes: Uint8Array) {}

  get isEmpty(): boolean {
    return this.failed || this.at >= this.bytes.length;
  }

  /** An unsigned number of `size` bytes; 0 when it is missing. */
  number(size: number): number {
    let value = 0;
    for (const byte of this.take(size)) value = (value << 8) | byte;
    return value;
  }

  take(length: number): Uint8Array {
    const piece = this.bytes.subarray(this.at, this.at + length);
    this.failed ||= piece.length < length;
    this.at += length;
    return piece;
  }

  /** A field that begins with its length, of `size` bytes. */
  vector(size: number): Uint8Array {
    return this.take(this.number(size));
  }
}

function nameOf(hello: Reader): string | null {
  hello.take(2 + 32); // legacy_version, random
  hello.vector(1); // legacy_session_id
  hello.vector(2); // cipher_suites
  hello.vector(1); // legacy_compression_methods
  if (hello.isEmpty) return hello.failed ? null : "";
  const extensions = new Reader(hello.vector(2));
  if (hello.failed) return null;
  while (!extensions.isEmpty) {
    const type = extensions.number(2);
    const data = new Reader(extensions.vector(2));
    if (extensions.failed) return null;
    if (type === SERVER_NAME) return hostName(new Reader(data.vector(2)));
  }
  return "";
}

function hostName(list: Reader): string | null {
  while (!list.isEmpty) {
    const type = list.number(1);
    const name = list.vector(2);
    if (list.failed) return null;
    if (type === HOST_NAME) return Buffer.from(name).toString("latin1").toLowerCase();
  }
  return list.failed ? null : "";
}
