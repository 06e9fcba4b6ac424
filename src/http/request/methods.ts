/** Request methods of IANA's registry, looked up by their bytes so that a request makes no new string. */
import { ascii } from "../bytes.ts";

/** https://www.iana.org/assignments/http-methods, the common ones first. PRI is left out: HTTP/2 reserves it, and it is no method for a resource. */
const METHODS = (
  "GET HEAD POST PUT DELETE OPTIONS PATCH TRACE CONNECT ACL BASELINE-CONTROL BIND CHECKIN CHECKOUT COPY LABEL LINK LOCK " +
  "MERGE MKACTIVITY MKCALENDAR MKCOL MKREDIRECTREF MKWORKSPACE MOVE ORDERPATCH PROPFIND PROPPATCH QUERY REBIND REPORT " +
  "SEARCH UNBIND UNCHECKOUT UNLINK UNLOCK UPDATE UPDATEREDIRECTREF VERSION-CONTROL"
).split(" ");

interface Method {
  readonly name: string;
  readonly bytes: Uint8Array;
}

const LONGEST = Math.max(...METHODS.map((name) => name.length));
const BY_LENGTH: readonly (readonly Method[])[] = Array.from({ length: LONGEST + 1 }, (_, length) =>
  METHODS.filter((name) => name.length === length).map((name) => ({ name, bytes: ascii(name) })),
);

/** The registered method in bytes[start, end), or "" when it is none. */
export function registeredMethod(bytes: Uint8Array, start: number, end: number): string {
  const length = end - start;
  if (length > LONGEST) return "";
  const candidates = BY_LENGTH[length];
  for (let i = 0; i < candidates.length; i++) if (equals(bytes, start, candidates[i].bytes)) return candidates[i].name;
  return "";
}

function equals(bytes: Uint8Array, start: number, expected: Uint8Array): boolean {
  for (let i = 0; i < expected.length; i++) if (bytes[start + i] !== expected[i]) return false;
  return true;
}
