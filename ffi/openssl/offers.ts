/** What a client has offered in its handshake, and the group that was chosen. */
import { type Pointer, toArrayBuffer } from "bun:ffi";
import { Block } from "../memory.ts";
import type { OpenSsl } from "./library.ts";
import { addressOf, textAt } from "./memory.ts";

const SSL_CTRL_GET_GROUPS = 90;
const SSL_CTRL_GET_RAW_CIPHERLIST = 110;
const SSL_CTRL_GET_NEGOTIATED_GROUP = 134;
/** TLSEXT_nid_unknown: the rest is the number on the wire. */
const UNKNOWN_GROUP = 0x1000000;

/** The names of the cipher suites; empty in a handshake that was resumed. */
export function offeredCiphers(ssl: OpenSsl, handle: Pointer): string[] {
  const list = new Block(8);
  const length = Number(ssl.SSL_ctrl(handle, SSL_CTRL_GET_RAW_CIPHERLIST, 0, addressOf(list)));
  if (length <= 0) return [];
  const bytes = Buffer.from(toArrayBuffer(Number(list.bytes.readBigUInt64LE(0)) as Pointer, 0, length));
  const one = new Block(2);
  return Array.from({ length: length / 2 }, (_, i) => {
    bytes.copy(one.bytes, 0, 2 * i, 2 * i + 2);
    const cipher = ssl.SSL_CIPHER_find(handle, addressOf(one));
    return cipher === null ? `0x${one.bytes.toString("hex")}` : textAt(ssl.SSL_CIPHER_get_name(cipher));
  });
}

/** "": none, or the library is too old to tell. */
export const negotiatedGroup = (ssl: OpenSsl, handle: Pointer): string =>
  groupName(ssl, Number(ssl.SSL_ctrl(handle, SSL_CTRL_GET_NEGOTIATED_GROUP, 0, null)));

export function offeredGroups(ssl: OpenSsl, handle: Pointer): string[] {
  const count = Number(ssl.SSL_ctrl(handle, SSL_CTRL_GET_GROUPS, 0, null));
  if (count <= 0) return [];
  const ids = new Block(4 * count);
  ssl.SSL_ctrl(handle, SSL_CTRL_GET_GROUPS, 0, addressOf(ids));
  return Array.from({ length: count }, (_, i) => groupName(ssl, ids.bytes.readInt32LE(4 * i)));
}

function groupName(ssl: OpenSsl, id: number): string {
  if (id <= 0) return "";
  if ((id & UNKNOWN_GROUP) !== 0) return `0x${(id & 0xffff).toString(16).padStart(4, "0")}`;
  return textAt(ssl.OBJ_nid2sn(id));
}
