/** What a request for a file that is there gets: 200, 206, 304, 412 or 416 (RFC 9110 §13, §14). */
import type { FileStatus } from "../../../ffi/kernel.ts";
import type { Settings } from "../../config/model.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import type { Field } from "../../exchange/reply.ts";
import { entityTag, timeTag } from "../../http/headers.ts";
import { evaluate, rangeApplies, type Validators } from "../../http/reply/conditional.ts";
import { formatDate } from "../../http/reply/date.ts";
import {
  type ByteRange,
  parseRange,
  RANGE_IGNORED,
  RANGE_UNSATISFIABLE,
  unsatisfiedRange,
} from "../../http/reply/range.ts";
import { isBodiless } from "../../http/reply/status.ts";
import { mediaType } from "./content-type.ts";
import type { Entry } from "./file-cache.ts";
import { type Changes, KeptReply } from "./kept-reply.ts";
import { replyWithRanges, wholeFile } from "./ranges.ts";

/** Seconds between mtime and ctime of a file that was only written, or written and renamed. */
const SAME_MOMENT = 2;

/** Replies with the file of `entry`; `path` decides its media type, `changes` whether the reply may be kept. */
export function replyWithFile(exchange: Exchange, path: string, entry: Entry, changes: Changes): void {
  entry.fields ??= fileFields(exchange.settings, path, entry);
  if (exchange.errorStatus !== 0 && exchange.errorStatus !== 200) return replyWithPage(exchange, entry);
  if (!exchange.request.conditional) return replyWithAll(exchange, entry, changes);
  const { second } = exchange.services.clock;
  const validators = (entry.validators ??= validatorsOf(exchange.settings, entry.status, entry.length));
  const verdict = evaluate(exchange.request, validators, exchange.settings.ifModifiedSince, second);
  if (verdict === 304) return replyNotModified(exchange, entry, changes);
  if (verdict === 412) return exchange.fail(412);
  const range = exchange.method === "GET" || exchange.method === "HEAD" ? exchange.request.field("range") : undefined;
  if (range === undefined) return replyWithAll(exchange, entry, changes);
  // HEAD ignores Range, and then does not know the length of what GET would have got (RFC 9110 §8.6, §14.2).
  if (exchange.method === "HEAD") return exchange.reply(200, entry.fields, null, { ...modified(entry), length: -1 });
  const ranges = rangeApplies(exchange.request, validators, second) ? parseRange(range, entry.length) : RANGE_IGNORED;
  replyToRange(exchange, entry, ranges, changes);
}

/** What error_page serves is about an error, not what was asked for: no condition applies to it, no age, no range (nginx does so, too). */
function replyWithPage(exchange: Exchange, entry: Entry): void {
  const isKept = ([name]: Field) => name === "ETag" || (name === "Content-Type" && !isBodiless(exchange.errorStatus));
  exchange.reply(200, entry.fields!.filter(isKept), wholeFile(entry), modified(entry));
}

function replyToRange(exchange: Exchange, entry: Entry, ranges: ReturnType<typeof parseRange>, changes: Changes): void {
  if (ranges === RANGE_UNSATISFIABLE) return exchange.fail(416, [["Content-Range", unsatisfiedRange(entry.length)]]);
  if (ranges === RANGE_IGNORED || isAll(ranges, entry.length)) return replyWithAll(exchange, entry, changes);
  replyWithRanges(exchange, entry, ranges, modified(entry));
}

/** Several ranges that are no less than the whole are answered with the whole; a single one keeps its 206. */
function isAll(ranges: readonly ByteRange[], length: number): boolean {
  if (ranges.length === 1) return false;
  return ranges.reduce((sum, { start, end }) => sum + end - start + 1, 0) >= length;
}

function replyWithAll(exchange: Exchange, entry: Entry, changes: Changes): void {
  if (mayKeep(exchange, entry, changes)) {
    entry.whole ??= keptReply(exchange, entry, changes);
    return sendKept(exchange, entry, entry.whole);
  }
  if (exchange.method === "HEAD") {
    return exchange.reply(200, entry.fields!, null, { ...modified(entry), length: entry.length });
  }
  exchange.reply(200, entry.fields!, wholeFile(entry), modified(entry));
}

/** The 200 of a small file, or the head of a larger one's. */
function keptReply(exchange: Exchange, entry: Entry, changes: Changes): KeptReply {
  const options = { ...modified(entry), length: entry.length };
  const kept = new KeptReply(exchange, 200, entry.fields!, entry.body, changes, options);
  if (entry.body !== null) entry.body = kept.body;
  return kept;
}

/** Sends the kept 200 of a file; what a larger one lacks comes from its descriptor. */
export function sendKept(exchange: Exchange, entry: Entry, kept: KeptReply): void {
  kept.send(exchange, entry.file === null || exchange.method === "HEAD" ? null : wholeFile(entry));
}

function replyNotModified(exchange: Exchange, entry: Entry, changes: Changes): void {
  if (!mayKeep(exchange, entry, changes)) return exchange.reply(304, validatorFields(entry), null, modified(entry));
  entry.notModified ??= new KeptReply(exchange, 304, validatorFields(entry), null, changes, modified(entry));
  entry.notModified.send(exchange);
}

/** What a 304 repeats of the 200 (RFC 9110 §15.4.5). */
const validatorFields = (entry: Entry): Field[] =>
  entry.fields!.filter(([name]) => name === "ETag" || name === "Last-Modified");

/** Whether a reply made of `entry` may be kept in it and answer this request. */
export const mayKeep = (exchange: Exchange, entry: Entry, changes: Changes): boolean =>
  entry.cached && changes !== "each request" && exchange.takesWholeReply;

const modified = (entry: Entry) => ({ modified: entry.status.mtimeSeconds });

/** What conditions on a file compare with; `length`: the bytes that GET sends of it. */
export function validatorsOf(settings: Settings, status: FileStatus, length = status.size): Validators {
  return { etag: settings.etag ? etagOf(status, length) : null, mtimeSeconds: status.mtimeSeconds };
}

/** A file's entity tag, by which its version is known again; `length`: the bytes that GET sends of it. */
export function etagOf(status: FileStatus, length = status.size): string {
  const { mtimeSeconds, mtimeNanoseconds, ctimeSeconds, ctimeNanoseconds } = status;
  // `tar --mtime=@1`, `cp -p` and `install -p` give two versions of one size the same mtime: then ctime tells them apart.
  const isSet = Math.abs(ctimeSeconds - mtimeSeconds) > SAME_MOMENT;
  return entityTag(mtimeSeconds, mtimeNanoseconds, length, isSet ? timeTag(ctimeSeconds, ctimeNanoseconds) : "");
}

function fileFields(settings: Settings, path: string, entry: Entry): Field[] {
  const fields: Field[] = [
    ["Content-Type", mediaType(settings, path)],
    ["Last-Modified", formatDate(entry.status.mtimeSeconds)],
  ];
  if (settings.etag) fields.push(["ETag", etagOf(entry.status, entry.length)]);
  fields.push(["Accept-Ranges", "bytes"]);
  return fields;
}
