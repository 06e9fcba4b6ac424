/** Memory that passes between JavaScript and OpenSSL: texts, memory BIOs and the error queue. */
import { CString, type Pointer } from "bun:ffi";
import { Block } from "../memory.ts";
import type { OpenSsl } from "./library.ts";

/** BIO_ctrl(3) commands. */
const BIO_CTRL_RESET = 1;
const BIO_C_SET_BUF_MEM_EOF_RETURN = 130;

/** The address of a Block's byte. */
export const addressOf = (block: Block, offset = 0): Pointer => (block.address + offset) as Pointer;

/** `text` as a C string, valid while the Block is referenced. */
export function cText(text: string): Block {
  const bytes = Buffer.from(text);
  const block = new Block(bytes.length + 1);
  block.bytes.set(bytes);
  return block;
}

/** The text at a `const char *`; "" for NULL. */
export const textAt = (address: Pointer | null): string => (address === null ? "" : String(new CString(address)));

const scratch = new Block(1024);

/** Takes the first error of the queue in OpenSSL's words, and empties the queue; "": there is none. */
export function takeError(ssl: OpenSsl): string {
  const code = Number(ssl.ERR_get_error());
  if (code === 0) return "";
  ssl.ERR_error_string_n(code, addressOf(scratch), scratch.bytes.length);
  ssl.ERR_clear_error();
  return scratch.bytes.toString("latin1", 0, scratch.bytes.indexOf(0));
}

/** Calls `use` with a BIO that reads `bytes`. */
export function withBio<T>(ssl: OpenSsl, bytes: Uint8Array, use: (bio: Pointer) => T): T {
  const block = new Block(bytes.length + 1);
  block.bytes.set(bytes);
  const bio = ssl.BIO_new(ssl.BIO_s_mem()!)!;
  ssl.BIO_ctrl(bio, BIO_C_SET_BUF_MEM_EOF_RETURN, 0, null);
  ssl.BIO_write(bio, addressOf(block), bytes.length);
  try {
    return use(bio);
  } finally {
    ssl.BIO_free(bio);
  }
}

/** What `print` writes into a BIO, as octets. */
export function printed(ssl: OpenSsl, print: (bio: Pointer) => void): string {
  const bio = ssl.BIO_new(ssl.BIO_s_mem()!)!;
  print(bio);
  let text = "";
  for (;;) {
    const n = ssl.BIO_read(bio, addressOf(scratch), scratch.bytes.length);
    if (n <= 0) break;
    text += scratch.bytes.toString("latin1", 0, n);
  }
  ssl.BIO_ctrl(bio, BIO_CTRL_RESET, 0, null);
  ssl.BIO_free(bio);
  return text;
}
