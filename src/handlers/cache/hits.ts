/** Replies from entries, as a location sends them: small ones as kept replies, larger ones from their files; conditions and ranges. */
import type { FamilySettings } from "../../config/gateway.ts";
import type { Settings } from "../../config/model.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import type { Field, ReplyOptions } from "../../exchange/reply.ts";
import { evaluate, rangeApplies } from "../../http/reply/conditional.ts";
import { parseRange, RANGE_IGNORED, RANGE_UNSATISFIABLE, unsatisfiedRange } from "../../http/reply/range.ts";
import { Codings } from "../compression/codings.ts";
import { valueIn } from "../compression/fields.ts";
import { KeptReplies } from "../files/kept-replies.ts";
import { type Changes, KeptReply, replyChanges } from "../files/kept-reply.ts";
import { type Representation, replyWithRanges, wholeFile } from "../files/ranges.ts";
import { validatorsIn } from "../relay/reply/validators.ts";
import type { UpstreamHead } from "../relay/watcher.ts";
import type { HandlerServices } from "../services.ts";
import { type BodyChanges, bodyChanges } from "../transform/changes.ts";
import type { Entry } from "./disk/entry.ts";

/** Makes the fields that a client gets of those that a peer has sent: hides, rewrites. */
export type PassOn = (exchange: Exchange, head: UpstreamHead) => readonly Field[];

/** Fields that depend on more than the entry, or do more than inform the client. Replies with them are made anew each time. */
const SPECIAL = /^(?:location|refresh|set-cookie|x-accel-.*)$/i;
/** Fields that a 304 does not repeat from the 200. */
const ABOUT_BODY = /^(?:content-(?!location)|accept-ranges$)/i;

/** How a location sends entries. It is the key of what it has made of them. */
export class Hits {
  private readonly codings: Codings | null;
  private readonly changes: Changes;
  private readonly intercepted: ReadonlySet<number>;
  private readonly bodies: BodyChanges | null;

  constructor(
    settings: Settings,
    private readonly family: FamilySettings,
    services: HandlerServices,
    private readonly passOn: PassOn,
  ) {
    this.codings = Codings.of(settings, services.compression);
    const addHeaders = settings.addHeaders.filter(({ value }) => !onlyStatus(value));
    this.changes = replyChanges({ ...settings, addHeaders }, services.templates);
    this.bodies = bodyChanges(settings);
    const statuses = family.interceptErrors ? settings.errorPages.flatMap((page) => page.statuses) : [];
    this.intercepted = new Set(statuses.filter((status) => status >= 300));
  }

  /** Sends the kept reply of a fresh entry. False: it has none for this request. */
  sendKept(exchange: Exchange, entry: Entry): boolean {
    const kept = entry.replies.get(this) as KeptReplies | undefined;
    if (kept === undefined || exchange.request.conditional || !exchange.takesWholeReply) return false;
    const reply = kept.for(exchange);
    if (reply === null) return false;
    reply.send(exchange, entry.body === null && exchange.method !== "HEAD" ? wholeFile(representation(entry)) : null);
    return true;
  }

  /** Replies with an entry. @param fresh its reply may be kept: it is the same for each hit */
  reply(exchange: Exchange, entry: Entry, fresh: boolean): void {
    const { status } = entry.head;
    if (this.intercepted.has(status)) return exchange.fail(status);
    if (fresh && this.mayKeep(exchange, entry)) {
      entry.replies.set(this, this.keep(entry, this.fieldsOf(exchange, entry)));
      if (this.sendKept(exchange, entry)) return;
    }
    const fields = this.fieldsOf(exchange, entry);
    if (status !== 200 || exchange.errorStatus !== 0 || !exchange.request.conditional) {
      return this.send(exchange, entry, fields);
    }
    this.replyConditionally(exchange, entry, fields);
  }

  private fieldsOf(exchange: Exchange, { head, length }: Entry): readonly Field[] {
    return this.passOn(exchange, { status: head.status, fields: head.fields, contentLength: length, hasBody: true });
  }

  private mayKeep(exchange: Exchange, entry: Entry): boolean {
    if (this.changes === "each request" || entry.slot === "" || !exchange.takesWholeReply) return false;
    if (exchange.request.conditional || (entry.body === null && this.codings !== null)) return false;
    return !entry.replies.has(this) && !entry.head.fields.some(([name]) => SPECIAL.test(name));
  }

  private keep(entry: Entry, fields: readonly Field[]): KeptReplies {
    const { status } = entry.head;
    const options = { ...optionsOf(entry), length: entry.length };
    return new KeptReplies(
      this.codings,
      (exchange) => new KeptReply(exchange, status, fields, entry.body, this.changes, options),
    );
  }

  private send(exchange: Exchange, entry: Entry, fields: readonly Field[]): void {
    const options = optionsOf(entry);
    if (exchange.method !== "HEAD") {
      return exchange.reply(entry.head.status, fields, wholeFile(representation(entry)), options);
    }
    exchange.reply(entry.head.status, fields, null, { ...options, length: entry.length });
  }

  private replyConditionally(exchange: Exchange, entry: Entry, fields: readonly Field[]): void {
    const { second } = exchange.services.clock;
    const validators = validatorsIn(fields, second);
    const verdict = evaluate(exchange.request, validators, exchange.settings.ifModifiedSince, second);
    if (verdict === 412) return exchange.fail(412);
    if (verdict === 304) {
      return exchange.reply(
        304,
        fields.filter(([name]) => !ABOUT_BODY.test(name)),
        null,
        { length: -1, fromUpstream: true },
      );
    }
    const range =
      exchange.method === "GET" && this.allowsRanges(entry, fields) ? exchange.request.field("range") : undefined;
    const applies = range !== undefined && rangeApplies(exchange.request, validators, second);
    const ranges = applies ? parseRange(range, entry.length, exchange.settings.maxRanges) : RANGE_IGNORED;
    if (ranges === RANGE_IGNORED) return this.send(exchange, entry, fields);
    if (ranges === RANGE_UNSATISFIABLE) {
      return exchange.fail(416, [["Content-Range", unsatisfiedRange(entry.length)]]);
    }
    replyWithRanges(exchange, representation(entry, fields), ranges, optionsOf(entry));
  }

  /** As nginx: ranges are served where the peer would, or where they are forced. */
  private allowsRanges({ head }: Entry, fields: readonly Field[]): boolean {
    if (this.bodies?.(valueIn(fields, "content-type") ?? "")) return false;
    if (this.family.forceRanges) return true;
    return head.fields.some(([name, value]) => /^accept-ranges$/i.test(name) && /\bbytes\b/i.test(value));
  }
}

/** Whether a field's value is the same for all hits. */
const onlyStatus = ({ parts }: Settings["addHeaders"][number]["value"]): boolean =>
  parts.every((part) => typeof part === "string" || part.variable === "upstream_cache_status");

function optionsOf(entry: Entry): ReplyOptions {
  const { modified, fields } = entry.head;
  const charsetChosen = fields.some(([name]) => /^x-accel-charset$/i.test(name));
  return { fromUpstream: true, charsetChosen, ...(modified < 0 ? {} : { modified }) };
}

function representation(entry: Entry, fields: readonly Field[] | null = null): Representation {
  return { fields, length: entry.length, body: entry.body, file: entry.file, start: entry.start };
}
