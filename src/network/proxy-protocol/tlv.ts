/** The TLVs of a PROXY protocol header of version 2 (its specification, §2.2), by the names that nginx gives them. */

/** Types by name. */
const TYPES: ReadonlyMap<string, number> = new Map([
  ["alpn", 0x01],
  ["authority", 0x02],
  ["unique_id", 0x05],
  ["ssl", 0x20],
  ["netns", 0x30],
]);

/** Types within `ssl`. */
const SSL_TYPES: ReadonlyMap<string, number> = new Map([
  ["version", 0x21],
  ["cn", 0x22],
  ["cipher", 0x23],
  ["sig_alg", 0x24],
  ["key_alg", 0x25],
]);

/** Bytes of `ssl` before its own TLVs: what the client has, and how its certificate was verified. */
const SSL_FIXED = 5;

/**
 * The value (octets) of the TLV called `name` in `tlvs` (octets): a name above, such as `authority` and `ssl_cn`, a type such as
 * `0xe0` and `ssl_0x21`, or `ssl_verify`, a number. undefined: there is none.
 */
export function proxyValue(tlvs: string, name: string): string | undefined {
  if (!name.startsWith("ssl_")) return find(tlvs, TYPES.get(name) ?? numbered(name));
  const ssl = find(tlvs, TYPES.get("ssl")!);
  if (ssl === undefined || ssl.length < SSL_FIXED) return undefined;
  if (name === "ssl_verify") return String(Buffer.from(ssl, "latin1").readUInt32BE(1));
  return find(ssl.slice(SSL_FIXED), SSL_TYPES.get(name.slice(4)) ?? numbered(name.slice(4)));
}

const numbered = (name: string): number => (/^0x[0-9a-f]{1,2}$/.test(name) ? Number(name) : -1);

/** The first one of a type. One that is cut off ends the search. */
function find(tlvs: string, type: number): string | undefined {
  for (let at = 0; at + 3 <= tlvs.length; ) {
    const end = at + 3 + 256 * tlvs.charCodeAt(at + 1) + tlvs.charCodeAt(at + 2);
    if (end > tlvs.length) return undefined;
    if (tlvs.charCodeAt(at) === type) return tlvs.slice(at + 3, end);
    at = end;
  }
  return undefined;
}
