/** FastCGI records (FastCGI Specification 1.0, §3.3 and §5): makes those of a request, and reads those of its reply. Pure. */

/** Most bytes of content in a record. */
export const MOST_CONTENT = 65_535;

const VERSION = 1;
const BEGIN_REQUEST = 1;
const END_REQUEST = 3;
const PARAMS = 4;
const STDIN = 5;
const STDOUT = 6;
const STDERR = 7;

const HEADER = 8;
const ROLE_RESPONDER = 1;
const KEEP_CONN = 1;
/** The only request on a connection. */
const REQUEST_ID = 1;
/** Offset of protocolStatus in the content of END_REQUEST. */
const PROTOCOL_STATUS = 4;
const PROTOCOL_STATUSES = ["complete", "it serves one request at a time", "it is overloaded", "it is no responder"];

/** Writes a record's header. It needs no padding, which is only a help for the reader. */
function putHeader(bytes: Buffer, at: number, type: number, length: number): number {
  bytes[at] = VERSION;
  bytes[at + 1] = type;
  bytes[at + 2] = 0;
  bytes[at + 3] = REQUEST_ID;
  bytes[at + 4] = length >> 8;
  bytes[at + 5] = length & 0xff;
  bytes[at + 6] = bytes[at + 7] = 0;
  return at + HEADER;
}

/** The next header of a STDIN record; whoever gets it copies it at once. */
const header = Buffer.allocUnsafeSlow(HEADER);

/** The header of a STDIN record with `length` bytes of the request's body; with 0 the body has ended. Valid until the next call. */
export function stdinHeader(length: number): Buffer {
  putHeader(header, 0, STDIN, length);
  return header;
}

/** The records of one request at a time: memory for each would cost more than what is written into it. */
let records = Buffer.allocUnsafeSlow(4096);

/**
 * The records before the body. Valid until the next call.
 * @param params name-value pairs (octets), of any length, because they are a stream (§3.4)
 */
export function requestRecords(params: string, keepsConnection: boolean): Buffer {
  const count = Math.ceil(params.length / MOST_CONTENT);
  const length = 2 * HEADER + (count + 1) * HEADER + params.length;
  const bytes = length <= records.length ? records : Buffer.allocUnsafeSlow(2 * length);
  if (bytes.length <= MOST_CONTENT) records = bytes;
  let at = putHeader(bytes, 0, BEGIN_REQUEST, HEADER);
  bytes.fill(0, at, at + HEADER);
  bytes[at + 1] = ROLE_RESPONDER;
  bytes[at + 2] = keepsConnection ? KEEP_CONN : 0;
  at += HEADER;
  for (let from = 0; from < params.length; from += MOST_CONTENT) {
    const piece = count === 1 ? params : params.slice(from, from + MOST_CONTENT);
    at = putHeader(bytes, at, PARAMS, piece.length);
    bytes.latin1Write(piece, at, piece.length);
    at += piece.length;
  }
  putHeader(bytes, at, PARAMS, 0);
  return bytes.subarray(0, length);
}

const SHORT: readonly string[] = Array.from({ length: 128 }, (_, length) => String.fromCharCode(length));

/** A length before a name-value pair (§3.4): one byte up to 127, else four. */
export function lengthOctets(length: number): string {
  if (length < SHORT.length) return SHORT[length]!;
  return String.fromCharCode((length >>> 24) | 0x80, (length >> 16) & 0xff, (length >> 8) & 0xff, length & 0xff);
}

/** Reads the records of one reply, cut anywhere. */
export class RecordReader {
  /** Why `decode` gave -1; "upstream sent" precedes it. */
  reason = "";
  /** END_REQUEST came. */
  complete = false;
  /** The empty STDOUT record came: what may follow is STDERR and END_REQUEST. */
  stdoutEnded = false;
  /** Something followed END_REQUEST. */
  excess = false;
  /** The header of the record, of which `have` bytes have come. */
  private readonly header = new Uint8Array(HEADER);
  private have = 0;
  private type = 0;
  /** Bytes of content and padding still to come. */
  private content = 0;
  private padding = 0;
  private length = 0;
  private sawStdout = false;

  /** @param onStderr gets the pieces of the content of STDERR records. False: the reply is refused, and `reason` is set by then. */
  constructor(private readonly onStderr: (bytes: Buffer, start: number, end: number) => boolean) {}

  /** Takes bytes[start, end), leaves the content of STDOUT in the same place, and gives its length; -1: malformed. */
  decode(bytes: Buffer, start: number, end: number): number {
    let out = start;
    for (let at = start; at < end; ) {
      if (this.complete) {
        this.excess = true;
        break;
      }
      if (this.have < HEADER) {
        this.header[this.have++] = bytes[at++]!;
        if (this.have === HEADER && !this.begins()) return -1;
      } else if (this.content > 0) {
        const n = Math.min(this.content, end - at);
        if (!this.takes(bytes, at, at + n, out)) return -1;
        if (this.type === STDOUT) out += n;
        at += n;
        this.content -= n;
      } else {
        const n = Math.min(this.padding, end - at);
        at += n;
        this.padding -= n;
      }
      if (this.have === HEADER && this.content + this.padding === 0) this.ends();
    }
    return out - start;
  }

  refuse(reason: string): false {
    this.reason = reason;
    return false;
  }

  /** A header is complete. */
  private begins(): boolean {
    const [version, type, idHigh, idLow, lengthHigh, lengthLow, padding] = this.header as unknown as readonly number[];
    if (version !== VERSION) return this.refuse(`unsupported FastCGI protocol version: ${version}`);
    if (type !== STDOUT && type !== STDERR && type !== END_REQUEST)
      return this.refuse(`invalid FastCGI record type: ${type}`);
    if (idHigh !== 0) return this.refuse(`unexpected FastCGI request id high byte: ${idHigh}`);
    if (idLow !== REQUEST_ID) return this.refuse(`unexpected FastCGI request id low byte: ${idLow}`);
    this.type = type;
    this.content = this.length = (lengthHigh! << 8) | lengthLow!;
    this.padding = padding!;
    if (type === END_REQUEST && !this.sawStdout) return this.refuse(`unexpected FastCGI record: ${type}`);
    if (type === STDOUT && this.stdoutEnded && this.length > 0) return this.refuse("FastCGI stdout after its end");
    if (type === STDOUT) this.sawStdout = true;
    return true;
  }

  /** A piece of content has come. */
  private takes(bytes: Buffer, start: number, end: number, out: number): boolean {
    if (this.type === STDOUT) {
      if (out !== start) bytes.copyWithin(out, start, end);
      return true;
    }
    if (this.type === STDERR) return this.onStderr(bytes, start, end);
    const at = start + PROTOCOL_STATUS - (this.length - this.content);
    const status = at >= start && at < end ? bytes[at]! : 0;
    if (status === 0) return true;
    return this.refuse(`FastCGI protocol status ${status} (${PROTOCOL_STATUSES[status] ?? "unknown"})`);
  }

  /** A record is complete. */
  private ends(): void {
    this.have = 0;
    if (this.type === END_REQUEST) this.complete = true;
    else if (this.type === STDOUT && this.length === 0) this.stdoutEnded = true;
  }
}
