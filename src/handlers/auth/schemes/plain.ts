/** The schemes that are computed at once: `{PLAIN}`, `{SHA}` and `{SSHA}` (RFC 3112 and OpenLDAP; ngx_crypt.c). */
import { sameText } from "./constant-time.ts";
import { digestBy } from "./rounds.ts";

const FORM = /^\{(PLAIN|SHA|SSHA)\}(.*)$/s;
/** Bytes of a SHA-1; what follows them in `{SSHA}` is the salt. */
const DIGEST = 20;

/** Whether the password is right; null: `hash` is not of these schemes. `hash` is octets. */
export function checkPlain(password: Uint8Array, hash: string): boolean | null {
  const [, scheme, value] = FORM.exec(hash) ?? [];
  if (value === undefined) return null;
  if (scheme === "PLAIN") return sameText(sha1(password), sha1(Buffer.from(value, "latin1")));
  const stored = Buffer.from(value, "base64");
  const salt = scheme === "SSHA" ? stored.subarray(DIGEST) : NO_SALT;
  return sameText(sha1(Buffer.concat([password, salt])), stored.latin1Slice(0, DIGEST));
}

const NO_SALT = Buffer.alloc(0);

/** The digest as octets. Plain passwords are compared by their digests, so that the time does not tell their lengths. */
const sha1 = (bytes: Uint8Array): string => digestBy(Bun.SHA1, bytes).latin1Slice();
