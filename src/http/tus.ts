/** Fields of the tus protocol 1.0 for resumable uploads. */
import { unicode } from "./octets.ts";

/** Parses Upload-Length or Upload-Offset, a decimal integer from 0 to 2^53-1; null for anything else, also when absent. */
export function uploadInteger(value: string | undefined): number | null {
  if (value === undefined || !/^[0-9]+$/.test(value)) return null;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : null;
}

/** Base64 with its padding (RFC 4648 §4). */
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const KEY = /^[\x21-\x2b\x2d-\x7e]+$/;

/**
 * Parses Upload-Metadata: pairs of key, one space and Base64, separated by commas; an empty value needs no space. Gives the decoded
 * values by key, an empty map for an empty field; null when it is malformed or has a key twice.
 */
export function uploadMetadata(value: string): ReadonlyMap<string, string> | null {
  const metadata = new Map<string, string>();
  if (value === "") return metadata;
  for (const pair of value.split(",")) {
    const [key, encoded = "", ...rest] = pair.replace(/^[ \t]/, "").split(" ");
    if (rest.length > 0 || !KEY.test(key) || !BASE64.test(encoded) || metadata.has(key)) return null;
    metadata.set(key, unicode(Buffer.from(encoded, "base64").latin1Slice()));
  }
  return metadata;
}

/** Upload-Concat: "partial", or the URLs of `final;URL URL`; null when it is malformed. */
export function uploadConcat(value: string): "partial" | readonly string[] | null {
  if (value === "partial") return "partial";
  const urls = /^final;\s*(\S+(?: +\S+)*)$/.exec(value)?.[1];
  return urls === undefined ? null : urls.split(/ +/);
}

/** Upload-Checksum: the name of an algorithm in lower case and the digest; null when it is malformed. */
export function uploadChecksum(value: string): { readonly algorithm: string; readonly digest: Buffer } | null {
  const [algorithm = "", encoded = "", ...rest] = value.split(" ");
  if (rest.length > 0 || algorithm === "" || encoded === "" || !BASE64.test(encoded)) return null;
  return { algorithm: algorithm.toLowerCase(), digest: Buffer.from(encoded, "base64") };
}
