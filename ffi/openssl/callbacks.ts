/** What OpenSSL calls back: both are made once, and live as long as the process. */
import { JSCallback, type Pointer, toArrayBuffer } from "bun:ffi";
import { cText } from "./memory.ts";

const SSL_TLSEXT_ERR_OK = 0;
const SSL_TLSEXT_ERR_ALERT_FATAL = 2;
const HTTP_1_1 = "http/1.1";

/** The answer to a client's ALPN: http/1.1, or an alert (RFC 7301 §3.2). */
let alpn: JSCallback | null = null;
/** Accepts every certificate; the result of its verification is asked later. */
let verified: JSCallback | null = null;
const chosen = cText(HTTP_1_1);

function choose(_: Pointer, out: Pointer, outLength: Pointer, offered: Pointer, length: number): number {
  const list = Buffer.from(toArrayBuffer(offered, 0, length));
  for (let at = 0; at < length; at += 1 + list[at]!) {
    if (list.toString("latin1", at + 1, at + 1 + list[at]!) !== HTTP_1_1) continue;
    new BigUint64Array(toArrayBuffer(out, 0, 8))[0] = BigInt(chosen.address);
    new Uint8Array(toArrayBuffer(outLength, 0, 1))[0] = HTTP_1_1.length;
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/** The callback for ALPN, of SSL_CTX_set_alpn_select_cb(3). */
export function chooseProtocol(): Pointer | null {
  alpn ??= new JSCallback(choose, { args: ["ptr", "ptr", "ptr", "ptr", "u32", "ptr"], returns: "i32" });
  return alpn.ptr;
}

/** The callback of SSL_CTX_set_verify(3). */
export function acceptAll(): Pointer | null {
  verified ??= new JSCallback(() => 1, { args: ["i32", "ptr"], returns: "i32" });
  return verified.ptr;
}
