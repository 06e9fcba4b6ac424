/** FastCGI records for tests, and locations with `*_param`. */

import type { FamilySettings, PassParam } from "../../../../src/config/gateway.ts";
import type { Settings } from "../../../../src/config/model.ts";
import { FakeExchange, FakeServices, location, type RequestLike, template } from "../world.ts";

/** What the protocols use of a family's settings. */
export const FAMILY = {
  bufferSize: 4096,
  hideHeaders: [] as readonly string[],
  passHeaders: [] as readonly string[],
  ignoreHeaders: [] as readonly string[],
  passRequestHeaders: true,
  interceptErrors: false,
  forceRanges: false,
  store: null,
} as FamilySettings;

export const STDOUT = 6;
export const STDERR = 7;

/** A record as a server sends it. */
export function record(type: number, content: string | Buffer, { padding = 0, id = 1, version = 1 } = {}): Buffer {
  const bytes = Buffer.from(content as string, "latin1");
  const header = [version, type, id >> 8, id & 0xff, bytes.length >> 8, bytes.length & 0xff, padding, 0];
  return Buffer.concat([Buffer.from(header), bytes, Buffer.alloc(padding, 0xee)]);
}

export const endRequest = (protocolStatus = 0, padding = 0): Buffer =>
  record(3, Buffer.from([0, 0, 0, 1, protocolStatus, 0, 0, 0]), { padding });

/** `NAME VALUE [if_not_empty]`, as in a configuration. */
export function params(...lines: readonly string[]): PassParam[] {
  return lines.map((line) => {
    const [name, value, flag] = line.split(" ") as [string, string, string?];
    return { name, value: template(value), ifNotEmpty: flag !== undefined };
  });
}

/** A request in a location whose settings are the defaults, but for `changes`. */
export function exchangeOf(request: RequestLike, changes: Partial<Settings> = {}): FakeExchange {
  return new FakeExchange(new FakeServices(), location({ ...gatewaySettings(), ...changes }), request);
}

function gatewaySettings(): Partial<Settings> {
  return {
    fastcgi: FAMILY,
    uwsgi: FAMILY,
    scgi: FAMILY,
    fastcgiOnly: { params: [], index: null, splitPathInfo: null, keepConn: false, catchStderr: [] },
    uwsgiOnly: { params: [], modifier1: 0, modifier2: 0 },
    scgiOnly: { params: [] },
  };
}

/** The parameters in the records of a FastCGI request, in order; and which types of records there are. */
export function readRequest(bytes: Buffer): { types: number[]; flags: number; params: [string, string][] } {
  const types: number[] = [];
  let stream = Buffer.alloc(0);
  let flags = -1;
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt16BE(at + 4);
    const content = bytes.subarray(at + 8, at + 8 + length);
    types.push(bytes[at + 1]!);
    if (bytes[at + 1] === 1) flags = content[2]!;
    if (bytes[at + 1] === 4) stream = Buffer.concat([stream, content]);
    at += 8 + length + bytes[at + 6]!;
  }
  return { types, flags, params: pairs(stream) };
}

function pairs(stream: Buffer): [string, string][] {
  const found: [string, string][] = [];
  let at = 0;
  const length = (): number => {
    const short = stream[at]! < 128;
    const n = short ? stream[at]! : stream.readUInt32BE(at) & 0x7fffffff;
    at += short ? 1 : 4;
    return n;
  };
  while (at < stream.length) {
    const [name, value] = [length(), length()];
    found.push([stream.latin1Slice(at, at + name), stream.latin1Slice(at + name, at + name + value)]);
    at += name + value;
  }
  return found;
}
