/** LOCK and UNLOCK (RFC 4918 §9.10, §9.11). */
import { ERRNO } from "../../../../ffi/errno.ts";
import type { Exchange } from "../../../exchange/exchange.ts";
import type { Field } from "../../../exchange/reply.ts";
import type { XmlElement } from "../../../http/xml/reader.ts";
import { copiedXml } from "../../../http/xml/writer.ts";
import { Failure } from "../../upload/failure.ts";
import { missing } from "../changes/delete.ts";
import { depthOf } from "../fields.ts";
import type { DavLocation } from "../location.ts";
import { hrefOf, replyError, replyMultiStatus, responseXml, statusXml, XML_TYPE } from "../replies.ts";
import type { Resource } from "../resource.ts";
import { davElements, isDav } from "../xml-body.ts";
import type { Lock, LockTable } from "./lock-table.ts";
import { activeLocks } from "./lock-xml.ts";
import { replyLocked, type Submitted } from "./submitted.ts";

/** Longest owner that is kept, in characters of XML. */
const LONGEST_OWNER = 4096;

/** What a LOCK with a body asks for. */
interface Asked {
  readonly exclusive: boolean;
  readonly owner: string;
}

/** LOCK. @param document null: it refreshes the locks that the field If names */
export function lock(exchange: Exchange, dav: DavLocation, document: XmlElement | null): void {
  const table = dav.locks!;
  const resource = dav.resource(exchange);
  if (resource instanceof Failure) return resource.reply(exchange);
  const submitted = dav.submitted(exchange);
  if (submitted instanceof Failure) return submitted.reply(exchange);
  // Without both, nginx-dav-ext-module, too, makes the lock that most want.
  const refreshes = document === null && exchange.request.fieldIndex("if") >= 0;
  if (refreshes) return refresh(exchange, dav, table, resource, submitted);
  const asked = document === null ? { exclusive: true, owner: "" } : askedIn(document);
  const depth = depthOf(exchange, "infinity");
  if (asked instanceof Failure) return asked.reply(exchange);
  if (depth instanceof Failure) return depth.reply(exchange);
  if (depth === 1) return new Failure(400, '"Depth" header must be 0 or infinity', "info").reply(exchange);
  make(exchange, dav, table, resource, { ...asked, deep: depth === "infinity" });
}

/** What a lockinfo (§14.11) asks for. */
function askedIn(document: XmlElement): Asked | Failure {
  const scope = davElements(document, "lockscope").flatMap((element) => davElements(element));
  const type = davElements(document, "locktype").flatMap((element) => davElements(element));
  const isExclusive = scope[0]?.local === "exclusive";
  const isKnown = isDav(document, "lockinfo") && scope.length === 1 && (isExclusive || scope[0]?.local === "shared");
  if (!isKnown || type.length !== 1 || type[0]?.local !== "write")
    return new Failure(400, "client sent no lockinfo for a write lock", "info");
  const owner = davElements(document, "owner").map(copiedXml).join("");
  return { exclusive: isExclusive, owner: owner.length > LONGEST_OWNER ? "" : owner };
}

function refresh(
  exchange: Exchange,
  dav: DavLocation,
  table: LockTable,
  { filename }: Resource,
  submitted: Submitted,
): void {
  const { now } = dav.services.clock;
  const covering = table.covering(filename, now);
  const own = submitted.locks(now).filter((lock) => covering.includes(lock));
  if (own.length === 0) return exchange.fail(412);
  const timeout = timeoutOf(exchange, dav);
  for (const lock of own) Object.assign(lock, { timeout, until: now + timeout });
  replyWith(exchange, 200, own, now);
}

/** What the client asks for (§10.7), if that is less than the zone's. */
function timeoutOf({ request }: Exchange, { settings }: DavLocation): number {
  const most = settings.davLock!.timeout;
  const seconds = /^\s*Second-(\d{1,10})\b/i.exec(request.field("timeout") ?? "")?.[1];
  return seconds === undefined ? most : Math.min(most, Math.max(1, Number(seconds)) * 1000);
}

function make(
  exchange: Exchange,
  dav: DavLocation,
  table: LockTable,
  resource: Resource,
  asked: Asked & { readonly deep: boolean },
): void {
  const { now } = dav.services.clock;
  const there = resource.look();
  const isNew = there === -ERRNO.ENOENT;
  if (typeof there !== "string" && !isNew) return missing(resource, there).reply(exchange);
  if (conflicts(exchange, table, resource, asked, now)) return;
  if (isNew && !dav.permits(exchange, resource, false, [{ resource, what: "add" }])) return;
  const created = isNew ? createEmpty(dav, resource) : null;
  if (created !== null) return created.reply(exchange);
  const timeout = timeoutOf(exchange, dav);
  const lock: Lock = {
    ...asked,
    token: tokenOf(dav.services.randomHex(16)),
    file: resource.filename,
    root: hrefOf(resource.path),
    user: exchange.user,
    timeout,
    until: now + timeout,
  };
  if (!table.add(lock, now)) {
    exchange.log("error", `the zone "${dav.settings.davLock!.name}" has no room for another lock`);
    return exchange.fail(503, [["Retry-After", String(Math.ceil(dav.settings.davLock!.timeout / 1000))]]);
  }
  replyWith(exchange, isNew ? 201 : 200, [lock], now, [["Lock-Token", `<${lock.token}>`]]);
}

/** Whether other locks stand in the way; then it has replied. */
function conflicts(
  exchange: Exchange,
  table: LockTable,
  { filename, path }: Resource,
  { exclusive, deep }: Asked & { readonly deep: boolean },
  now: number,
): boolean {
  const isOther = (lock: Lock): boolean => exclusive || lock.exclusive;
  const above = table.covering(filename, now).find(isOther);
  if (above !== undefined) {
    replyLocked(exchange, above, "no-conflicting-lock");
    return true;
  }
  const within = deep ? [...table.within(filename, now)].find(isOther) : undefined;
  if (within === undefined) return false;
  const member = `<D:response><D:href>${within.root}</D:href>${statusXml(423)}</D:response>\n`;
  replyMultiStatus(exchange, [member, responseXml(path, 424)]);
  return true;
}

/** Makes an empty file: what is locked exists (§7.3). null: it is there. */
function createEmpty({ settings }: DavLocation, resource: Resource): Failure | null {
  if (!settings.davMethods.includes("PUT")) return new Failure(403, "LOCK creates no file without PUT", "info");
  if (resource.hasSlash) return new Failure(409, `"${resource.filename}" is no folder`, "info");
  const target = resource.target();
  if (target instanceof Failure) return target;
  const staged = resource.store.stage();
  if (staged instanceof Failure) return staged;
  const stored = resource.store.publish([{ staged, name: target.name }], target.folders, "refuse", false);
  if (!(stored instanceof Failure)) return null;
  staged.abort();
  return stored.status === 404 ? new Failure(409, stored.reason, "info") : stored;
}

/** urn:uuid of 16 random bytes (RFC 9562 §5.4). */
function tokenOf(hex: string): string {
  const variant = "89ab"[Number.parseInt(hex[16]!, 16) & 3]!;
  const digits = `${hex.slice(0, 12)}4${hex.slice(13, 16)}${variant}${hex.slice(17)}`;
  return `urn:uuid:${digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-")}`;
}

function replyWith(
  exchange: Exchange,
  status: number,
  locks: readonly Lock[],
  now: number,
  fields: readonly Field[] = [],
): void {
  const text = `<?xml version="1.0" encoding="utf-8"?>\n<D:prop xmlns:D="DAV:"><D:lockdiscovery>${activeLocks(locks, now)}</D:lockdiscovery></D:prop>\n`;
  exchange.reply(status, [["Content-Type", XML_TYPE], ...fields], Buffer.from(text, "utf8"));
}

/** UNLOCK: ends the lock whose token the field Lock-Token has. */
export function unlock(exchange: Exchange, dav: DavLocation): void {
  const resource = dav.resource(exchange);
  if (resource instanceof Failure) return resource.reply(exchange);
  const token = /^<([^<>\s]+)>$/.exec(exchange.request.field("lock-token") ?? "")?.[1];
  if (token === undefined) return new Failure(400, 'client sent no valid "Lock-Token" header', "info").reply(exchange);
  const table = dav.locks!;
  const { now } = dav.services.clock;
  const lock = table.get(token, now);
  if (lock === undefined || !table.covering(resource.filename, now).includes(lock)) {
    return replyError(exchange, 409, "<D:lock-token-matches-request-uri/>");
  }
  if (lock.user !== exchange.user) return new Failure(403, "the lock is another user's", "info").reply(exchange);
  table.remove(lock);
  exchange.reply(204, [], null);
}
