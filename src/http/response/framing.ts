/** The fields of a response that say where its body ends, and whether the connection lasts (RFC 9112 §6, §9.3). */
import { trimmed } from "../octets.ts";

/** What the fields say. */
export interface Framing {
  readonly minor: 0 | 1;
  /** -1: none was given. */
  contentLength: number;
  chunked: boolean;
  closes: boolean;
  keepAlive: boolean;
}

const BOTH = '"Content-Length" and "Transfer-Encoding" headers at the same time';

/** 1*DIGIT, only once, at most 2^53-1, and never together with Transfer-Encoding. "" or the reason for a refusal. */
export function readLength(framing: Framing, value: string): string {
  if (framing.chunked) return BOTH;
  if (framing.contentLength >= 0) return `duplicate header line: "Content-Length: ${shown(value)}"`;
  const length = /^\d+$/.test(value) ? Number(value) : -1;
  if (length < 0 || !Number.isSafeInteger(length)) return `invalid "Content-Length" header: "${shown(value)}"`;
  framing.contentLength = length;
  return "";
}

/** `chunked` alone: no server sends another coding that was not asked for (TE), and HTTP/1.0 has none. "" or the reason for a refusal. */
export function readTransferEncoding(framing: Framing, value: string): string {
  if (framing.contentLength >= 0) return BOTH;
  if (framing.chunked) return `duplicate header line: "Transfer-Encoding: ${shown(value)}"`;
  if (framing.minor === 0) return '"Transfer-Encoding" in HTTP/1.0';
  if (value.toLowerCase() !== "chunked") return `unknown "Transfer-Encoding": "${shown(value)}"`;
  framing.chunked = true;
  return "";
}

/** `close` wins over every other option. */
export function readConnection(framing: Framing, value: string): void {
  for (const option of value.toLowerCase().split(",")) {
    const name = trimmed(option);
    if (name === "close") framing.closes = true;
    else if (name === "keep-alive") framing.keepAlive = true;
  }
}

/** A value as the error log shows it. */
const shown = (value: string): string => (value.length > 80 ? `${value.slice(0, 80)}...` : value);
