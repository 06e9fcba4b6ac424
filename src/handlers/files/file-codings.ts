/** Compressed forms of a location's files: compressed files that lie beside them, and forms that are made once and kept. */
import type { Settings } from "../../config/model.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import type { Field, ReplyOptions } from "../../exchange/reply.ts";
import { Codings, SUFFIXES, type Way } from "../compression/codings.ts";
import { addVary, valueIn } from "../compression/fields.ts";
import { FileForm } from "../compression/file-form.ts";
import { needsGunzip } from "../compression/gunzip.ts";
import { sourceOf } from "../compression/sources.ts";
import type { HandlerServices } from "../services.ts";
import { type Entry, type FileCache, SMALL } from "./file-cache.ts";
import { type Changes, KeptReply } from "./kept-reply.ts";
import { AS_IT_IS, EACH_TIME, MadeForm } from "./made-form.ts";
import { wholeFile } from "./ranges.ts";

/** Larger files are not kept in compressed form, but compressed for each client while they are sent. */
const LARGEST_SOURCE = 4 * 1024 * 1024;
/** Larger results are not kept, in bytes. */
const LARGEST_KEPT = 1024 * 1024;

export class FileCodings {
  private constructor(
    private readonly codings: Codings,
    private readonly services: HandlerServices,
    private readonly cache: FileCache,
    private readonly look: (exchange: Exchange, path: string) => Entry,
  ) {}

  /** Null: the location does not use compression. @param look looks up a path as a compressed form of another file */
  static of(
    settings: Settings,
    services: HandlerServices,
    cache: FileCache,
    look: (exchange: Exchange, path: string) => Entry,
  ): FileCodings | null {
    const codings = Codings.of(settings, services.compression);
    return codings === null ? null : new FileCodings(codings, services, cache, look);
  }

  /** Sends the kept reply for the codings that the request accepts. False: there is none yet. */
  sendKept(exchange: Exchange, entry: Entry): boolean {
    const accepted = this.codings.accepted(exchange);
    if (accepted === null) return false;
    for (const way of this.codings.waysFor(accepted)) {
      const form = entry.forms[way.index];
      if (form === undefined || form === EACH_TIME) return false;
      if (form === AS_IT_IS) continue;
      if (form instanceof MadeForm) return form.kept !== null && this.send(exchange, form);
      if (!this.cache.isFresh(form)) return false;
      if (form.kind !== "file") continue;
      if (form.whole === null || this.decodes(exchange, form)) return false;
      form.whole.send(exchange, restOf(exchange, form));
      return true;
    }
    if (entry.whole === null) return false;
    entry.whole.send(exchange, restOf(exchange, entry));
    return true;
  }

  /** Whether a filter decompresses this compressed file for the client (`gunzip`). */
  decodes({ settings, request, isSubrequest }: Exchange, { coding }: Entry): boolean {
    return (
      settings.gunzip && coding === "gzip" && needsGunzip(this.services.compression.accepted(request), isSubrequest)
    );
  }

  private send(exchange: Exchange, form: MadeForm): true {
    form.send(exchange);
    return true;
  }

  /**
   * Chooses the form of the file at `path` to send: a compressed file beside it, a way to compress it, or null for the file as it
   * is. If it is a file, `entry.fields` must be set.
   */
  choose(exchange: Exchange, path: string, entry: Entry): Entry | Way | null {
    const accepted = this.codings.accepted(exchange) ?? this.services.compression.accepted(exchange.request);
    for (const way of this.codings.waysFor(accepted)) {
      if (way.method !== null) {
        if (entry.kind === "file" && this.suits(way, entry)) return way;
        continue;
      }
      const beside = this.beside(exchange, path, entry, way);
      if (beside.kind === "file") return beside;
      if (!beside.cached) beside.close();
    }
    return null;
  }

  /** Whether the fields of the reply decide if it is compressed; then the compression filter must decide. */
  dependsOnFields(exchange: Exchange): boolean {
    return this.codings.accepted(exchange) === null;
  }

  /** Adds Vary to the fields of a file that may have compressed forms. */
  addVary(fields: Field[], entry: Entry): void {
    if (!this.codings.varies) return;
    const has = ({ method, always, index }: Way): boolean => {
      if (method !== null) return this.suitsFields(this.codings.ways[index]!, fields, entry.length);
      return !always;
    };
    if (this.codings.ways.some(has)) addVary(fields);
  }

  /** The compressed form of an entry, made now as far as this turn allows. Null: it is compressed for each client while it is sent. */
  made(entry: Entry, way: Way): MadeForm | null {
    const known = entry.forms[way.index];
    if (known instanceof MadeForm) return known;
    const { compression: work, kernel, reactor } = this.services;
    if (known === EACH_TIME || !entry.cached || entry.length > LARGEST_SOURCE) return null;
    const method = way.method!;
    const compressor = work.open(method);
    if (compressor === null) return null;
    const source = sourceOf(wholeFile(entry)!, kernel);
    const made = new MadeForm(new FileForm(source, compressor, method, work, reactor, () => this.done(entry, way)));
    entry.forms[way.index] = made;
    made.form.advance();
    return made.form.failed ? null : made;
  }

  /** Sends the 200 of a complete compressed form; made once, then kept. */
  sendMade(exchange: Exchange, entry: Entry, made: MadeForm, changes: Changes, options: ReplyOptions): void {
    if (made.kept === null) this.keep(exchange, entry, made, changes, options);
    made.send(exchange);
  }

  private keep(exchange: Exchange, entry: Entry, made: MadeForm, changes: Changes, options: ReplyOptions): void {
    const { form } = made;
    const body = form.body!;
    if (body.length > SMALL) made.file = this.cache.fileOf(entry, body);
    const all = { ...options, length: body.length, encoded: form };
    made.kept = new KeptReply(exchange, 200, entry.fields!, made.file === null ? body : null, changes, all);
    if (made.file === null) form.body = made.kept.body; // both share one copy
  }

  private done(entry: Entry, way: Way): void {
    const { form } = entry.forms[way.index] as MadeForm;
    const length = form.body?.length ?? 0;
    if (form.failed) entry.forms[way.index] = undefined;
    else if (length >= entry.length) entry.forms[way.index] = AS_IT_IS;
    else if (length > LARGEST_KEPT || !this.cache.grow(entry, length)) entry.forms[way.index] = EACH_TIME;
  }

  private suits(way: Way, entry: Entry): boolean {
    if (entry.forms[way.index] === AS_IT_IS) return false;
    if (this.suitsFields(way, entry.fields!, entry.length)) return true;
    entry.forms[way.index] = AS_IT_IS;
    return false;
  }

  private suitsFields(way: Way, fields: readonly Field[], length: number): boolean {
    return this.codings.suits(way, 200, valueIn(fields, "content-type") ?? "", length);
  }

  private beside(exchange: Exchange, path: string, entry: Entry, way: Way): Entry {
    const known = entry.forms[way.index];
    if (typeof known === "object" && !(known instanceof MadeForm) && this.cache.isFresh(known)) return known;
    const found = this.look(exchange, path + SUFFIXES[way.coding]);
    if (found.kind === "file") found.coding = way.coding;
    if (entry.cached && found.cached) entry.forms[way.index] = found;
    return found;
  }
}

const restOf = (exchange: Exchange, entry: Entry) =>
  entry.file === null || exchange.method === "HEAD" ? null : wholeFile(entry);
