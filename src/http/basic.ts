/** Basic credentials (RFC 7617), as nginx reads them (ngx_http_auth_basic_user). */

/** The content of an Authorization field, as octets. */
interface Credentials {
  /** Not empty, without ":". */
  readonly user: string;
  readonly password: string;
}

/** Parses the value of an Authorization field. Null: another scheme, or not `base64(user:password)`. */
export function basicCredentials(value: string): Credentials | null {
  const [, encoded] = /^basic +([A-Za-z0-9+/]+)={0,2} *$/i.exec(value) ?? [];
  // One character alone in the last group encodes six bits, which is no byte.
  if (encoded === undefined || encoded.length % 4 === 1) return null;
  const text = Buffer.from(encoded, "base64").toString("latin1");
  const colon = text.indexOf(":");
  return colon < 1 ? null : { user: text.slice(0, colon), password: text.slice(colon + 1) };
}

/** The value of WWW-Authenticate. The realm is a quoted-string (RFC 9110 §5.6.4); charset asks for credentials in UTF-8 (RFC 7617 §2.1). */
export const basicChallenge = (realm: string): string =>
  `Basic realm="${realm.replace(/["\\]/g, "\\$&")}", charset="UTF-8"`;
