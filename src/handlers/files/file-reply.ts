/** Replies for existing files: 200, 206, 304, 412 or 416 (RFC 9110 §13, §14). */
import type { FileStatus } from "../../../ffi/kernel.ts";
import type { Settings } from "../../config/model.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import type { Field, ReplyOptions } from "../../exchange/reply.ts";
import type { Coding } from "../../http/accept-encoding.ts";
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
import type { Way } from "../compression/codings.ts";
import { valueIn, weakened } from "../compression/fields.ts";
import type { BodyChanges } from "../transform/changes.ts";
import { mediaType } from "./content-type.ts";
import { Entry } from "./file-cache.ts";
import type { FileCodings } from "./file-codings.ts";
import { AS_IT_IS, type Changes, KeptReply } from "./kept-reply.ts";
import { replyWithRanges, wholeFile } from "./ranges.ts";
import { sentValidators } from "./validators.ts";

/** Most seconds between mtime and ctime if the mtime was not set by a program (the file was only written, or written and renamed). */
const SAME_MOMENT = 2;

/**
 * Replies with the file of `entry`. `path` decides its media type, `changes` whether the reply may be kept, `codings` its compressed
 * forms, `bodies` whether filters change it (null: none, never).
 */
export function replyWithFile(
  exchange: Exchange,
  path: string,
  entry: Entry,
  changes: Changes,
  codings: FileCodings | null = null,
  bodies: BodyChanges | null = null,
): void {
  if (entry.fields === null) {
    const fields = fileFields(exchange.settings, path, entry);
    codings?.addVary(fields, entry);
    entry.fields = fields;
    entry.isChanged = bodies?.(valueIn(fields, "content-type")!) ?? false;
  }
  if (exchange.errorStatus !== 0 && exchange.errorStatus !== 200) return replyWithPage(exchange, entry);
  if (entry.isChanged) return replyChanged(exchange, entry, changes);
  const form = codings === null ? null : codings.choose(exchange, path, entry);
  if (form === null) return replyAsItIs(exchange, entry, changes);
  if (form instanceof Entry) return replyWithBeside(exchange, path, form, changes, codings!);
  replyEncoded(exchange, entry, form, changes, codings!);
}

/** Replies with a file whose body filters change: it has no ranges, and is changed and compressed for each client. */
function replyChanged(exchange: Exchange, entry: Entry, changes: Changes): void {
  const verdict = exchange.request.conditional ? verdictOn(exchange, entry) : 0;
  if (verdict === 304) return replyNotModified(exchange, entry, changes);
  if (verdict === 412) return exchange.fail(412);
  send(exchange, entry, modified(entry));
}

/** Replies with a compressed file beside the one at `path`. It is a representation of its own, with its own version and ranges. */
export function replyWithBeside(
  exchange: Exchange,
  path: string,
  beside: Entry,
  changes: Changes,
  codings: FileCodings,
): void {
  if (beside.fields === null) {
    const fields = fileFields(exchange.settings, path, beside);
    codings.addVary(fields, beside);
    beside.fields = fields;
  }
  if (codings.decodes(exchange, beside)) replyChanged(exchange, beside, changes);
  else replyAsItIs(exchange, beside, changes);
  if (!beside.cached) beside.close();
}

/** Replies with a compressed form of the file. It is only weakly equal to the file: conditions use the file's validators, and there are no ranges. */
function replyEncoded(exchange: Exchange, entry: Entry, way: Way, changes: Changes, codings: FileCodings): void {
  const verdict = exchange.request.conditional ? verdictOn(exchange, entry) : 0;
  if (verdict === 304) return replyNotModified(exchange, entry, changes, true);
  if (verdict === 412) return exchange.fail(412);
  const made = codings.dependsOnFields(exchange) ? null : codings.made(entry, way);
  if (made === null) return send(exchange, entry, modified(entry)); // the filter compresses it
  const options = { ...modified(entry), encoded: made.form };
  const { body } = made.form;
  if (body !== null && mayKeep(exchange, entry, changes)) {
    return codings.sendMade(exchange, entry, made, changes, modified(entry));
  }
  if (body !== null) return exchange.reply(200, entry.fields!, body, options);
  exchange.reply(
    200,
    entry.fields!,
    made.form.reader(() => exchange.resume()),
    options,
  );
}

function verdictOn(exchange: Exchange, entry: Entry): 0 | 304 | 412 {
  const { settings, services, request } = exchange;
  const validators = (entry.validators ??= validatorsOf(settings, entry.status, entry.length, entry.coding));
  return evaluate(request, validators, settings.ifModifiedSince, services.clock.second);
}

function replyAsItIs(exchange: Exchange, entry: Entry, changes: Changes): void {
  if (!exchange.request.conditional) return replyWithAll(exchange, entry, changes);
  const verdict = verdictOn(exchange, entry);
  if (verdict === 304) return replyNotModified(exchange, entry, changes);
  if (verdict === 412) return exchange.fail(412);
  const range = exchange.method === "GET" || exchange.method === "HEAD" ? exchange.request.field("range") : undefined;
  if (range === undefined) return replyWithAll(exchange, entry, changes);
  // HEAD ignores Range, and then must not give the length of the whole: GET would have sent a part (RFC 9110 §8.6, §14.2).
  if (exchange.method === "HEAD") {
    return exchange.reply(200, entry.fields!, null, { ...modified(entry), encoded: AS_IT_IS, length: -1 });
  }
  const { second } = exchange.services.clock;
  const ranges = rangeApplies(exchange.request, sentValidators(exchange, entry.validators!), second)
    ? parseRange(range, entry.length, exchange.settings.maxRanges)
    : RANGE_IGNORED;
  replyToRange(exchange, entry, ranges, changes);
}

/** Replies with a file for error_page. It is not the file that was requested, so conditions, ranges and age do not apply (as in nginx). */
function replyWithPage(exchange: Exchange, entry: Entry): void {
  const isKept = ([name]: Field) => name === "ETag" || (name === "Content-Type" && !isBodiless(exchange.errorStatus));
  exchange.reply(200, entry.fields!.filter(isKept), wholeFile(entry), modified(entry));
}

function replyToRange(exchange: Exchange, entry: Entry, ranges: ReturnType<typeof parseRange>, changes: Changes): void {
  if (ranges === RANGE_UNSATISFIABLE) return exchange.fail(416, [["Content-Range", unsatisfiedRange(entry.length)]]);
  if (ranges === RANGE_IGNORED || isAll(ranges, entry.length)) return replyWithAll(exchange, entry, changes);
  replyWithRanges(exchange, entry, ranges, modified(entry));
}

/** Whether the ranges are not shorter than the whole file; then the whole is sent. A single range keeps its 206. */
function isAll(ranges: readonly ByteRange[], length: number): boolean {
  if (ranges.length === 1) return false;
  return ranges.reduce((sum, { start, end }) => sum + end - start + 1, 0) >= length;
}

function replyWithAll(exchange: Exchange, entry: Entry, changes: Changes): void {
  if (mayKeep(exchange, entry, changes)) {
    entry.whole ??= keptReply(exchange, entry, changes);
    return sendKept(exchange, entry, entry.whole);
  }
  send(exchange, entry, { ...modified(entry), encoded: AS_IT_IS });
}

/** Sends a 200 made for this request only. */
function send(exchange: Exchange, entry: Entry, options: ReplyOptions): void {
  if (exchange.method !== "HEAD") return exchange.reply(200, entry.fields!, wholeFile(entry), options);
  exchange.reply(200, entry.fields!, null, { ...options, length: entry.length });
}

/** The kept 200 of a small file, or the kept head for a larger one. */
function keptReply(exchange: Exchange, entry: Entry, changes: Changes): KeptReply {
  const options = { ...modified(entry), length: entry.length, encoded: AS_IT_IS };
  const kept = new KeptReply(exchange, 200, entry.fields!, entry.body, changes, options);
  if (entry.body !== null) entry.body = kept.body;
  return kept;
}

/** Sends a kept 200; the body of a larger file comes from its descriptor. */
export function sendKept(exchange: Exchange, entry: Entry, kept: KeptReply): void {
  kept.send(exchange, entry.file === null || exchange.method === "HEAD" ? null : wholeFile(entry));
}

/** @param weak the 304 is for a compressed form */
function replyNotModified(exchange: Exchange, entry: Entry, changes: Changes, weak = false): void {
  if (!mayKeep(exchange, entry, changes))
    return exchange.reply(304, validatorFields(entry, weak), null, modified(entry));
  const which = weak ? "weakNotModified" : "notModified";
  entry[which] ??= new KeptReply(exchange, 304, validatorFields(entry, weak), null, changes, modified(entry));
  entry[which].send(exchange);
}

/** The fields that a 304 repeats from the 200 (RFC 9110 §15.4.5). */
function validatorFields(entry: Entry, weak: boolean): Field[] {
  const fields = entry.fields!.filter(([name]) => name === "ETag" || name === "Last-Modified" || name === "Vary");
  return weak ? fields.map(weakened) : fields;
}

/** Whether a reply made from `entry` may be kept in it and may answer this request. */
export const mayKeep = (exchange: Exchange, entry: Entry, changes: Changes): boolean =>
  entry.cached && changes !== "each request" && exchange.takesWholeReply;

const modified = (entry: Entry) => ({ modified: entry.status.mtimeSeconds });

/** The validators of a file for conditional requests; `length`: number of bytes that GET sends. */
export function validatorsOf(
  settings: Settings,
  status: FileStatus,
  length = status.size,
  coding: Coding | null = null,
): Validators {
  return { etag: settings.etag ? etagOf(status, length, coding) : null, mtimeSeconds: status.mtimeSeconds };
}

/**
 * A file's entity tag; `length`: number of bytes that GET sends. A compressed file beside another gets a tag that the other can
 * never have (RFC 9110 §8.8.3.3).
 */
export function etagOf(status: FileStatus, length = status.size, coding: Coding | null = null): string {
  const { mtimeSeconds, mtimeNanoseconds, ctimeSeconds, ctimeNanoseconds } = status;
  // `tar --mtime=@1`, `cp -p` and `install -p` may give two versions of equal size the same mtime. Then the ctime is added.
  const isSet = Math.abs(ctimeSeconds - mtimeSeconds) > SAME_MOMENT;
  const tag = entityTag(mtimeSeconds, mtimeNanoseconds, length, isSet ? timeTag(ctimeSeconds, ctimeNanoseconds) : "");
  return coding === null ? tag : `${tag.slice(0, -1)}-${coding}"`;
}

function fileFields(settings: Settings, path: string, entry: Entry): Field[] {
  const fields: Field[] = [
    ["Content-Type", mediaType(settings, path)],
    ["Last-Modified", formatDate(entry.status.mtimeSeconds)],
  ];
  if (settings.etag) fields.push(["ETag", etagOf(entry.status, entry.length, entry.coding)]);
  if (entry.coding !== null) fields.push(["Content-Encoding", entry.coding]);
  if (settings.maxRanges > 0) fields.push(["Accept-Ranges", "bytes"]);
  return fields;
}
