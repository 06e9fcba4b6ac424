/**
 * Static files. A repeated request for a small file costs one Map look-up and sends a reply that exists already; other requests
 * take the longer path once.
 */
import { ERRNO } from "../../../ffi/errno.ts";
import type { Location } from "../../config/model.ts";
import { LOG_LEVELS } from "../../config/settings/logs.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import { type Answer, type Handler, MOVED } from "../../exchange/handler.ts";
import { filename, type Place, place, triedPlace } from "../../exchange/place.ts";
import type { Field } from "../../exchange/reply.ts";
import { evaluate } from "../../exchange/templates.ts";
import { encodePath } from "../../http/request/target.ts";
import { ruleFor } from "../cgi/script.ts";
import { Codings } from "../compression/codings.ts";
import { errorPage, errorPageType } from "../error-page.ts";
import { errorStatus } from "../errors.ts";
import { Folder as NamedFolder } from "../listing/folder.ts";
import { replyWithListing } from "../listing/listing.ts";
import type { Listings } from "../listing/listings.ts";
import { RandomFile } from "../listing/random-file.ts";
import { locationTo } from "../redirect.ts";
import type { HandlerServices } from "../services.ts";
import { type BodyChanges, bodyChanges } from "../transform/changes.ts";
import { Entry, FileCache } from "./file-cache.ts";
import { FileCodings } from "./file-codings.ts";
import { mayKeep, replyWithBeside, replyWithFile, sendKept } from "./file-reply.ts";
import { isHidden } from "./hidden.ts";
import { KeptReplies } from "./kept-replies.ts";
import { type Changes, headChanges, KeptReply, replyChanges } from "./kept-reply.ts";

/** Prefix of the cache key of a compressed file that is sent for another. */
const FORM = "\0";
const SLASH = 0x2f;

/** Serves the files and folders of one location. */
export class StaticHandler implements Handler {
  private readonly cache: FileCache;
  private readonly listings: Listings;
  private readonly changes: Changes;
  /** Whether a file depends only on the path; then the path is the cache key. */
  private readonly byPath: boolean;
  private readonly hasScripts: boolean;
  private readonly logsErrors: boolean;
  /** Whether every 404 of the location is the same page (no `error_page` replaces it). */
  private readonly keeps404: boolean;
  /** Whether `error_page` may replace the built-in page of the redirect that adds a slash. */
  private readonly hasPage301: boolean;
  private readonly kept404: KeptReplies;
  /** Compressed forms of its files; null: the location does not use compression. */
  private readonly codings: FileCodings | null;
  /** Those files whose bodies filters change. */
  private readonly bodies: BodyChanges | null;

  constructor({ settings }: Location, services: HandlerServices) {
    this.cache = new FileCache(settings, services);
    this.listings = services.listings;
    this.changes = headChanges(settings, services.templates);
    this.bodies = bodyChanges(settings);
    this.codings = FileCodings.of(settings, services, this.cache, (exchange, path) => this.find(exchange, path, FORM));
    this.kept404 = new KeptReplies(Codings.of(settings, services.compression), (exchange) => this.reply404(exchange));
    const { alias, aliasPrefix, root } = settings;
    this.byPath = alias === null ? root.constant !== null : alias.constant !== null && aliasPrefix !== null;
    this.hasScripts = settings.cgi.length > 0;
    this.logsErrors = LOG_LEVELS.indexOf("error") >= LOG_LEVELS.indexOf(settings.errorLog.level);
    const hasPage = (status: number) => settings.errorPages.some((page) => page.statuses.includes(status));
    this.keeps404 = !hasPage(404) && replyChanges(settings, services.templates) !== "each request";
    this.hasPage301 = hasPage(301);
  }

  /** A folder is redirected to its `index`, whose location then checks the method: it may be a script. */
  claim(exchange: Exchange): Answer {
    const { path } = exchange;
    return path.charCodeAt(path.length - 1) === SLASH ? this.folder(exchange, path) : this;
  }

  handle(exchange: Exchange): void {
    const entry = this.byPath ? this.cache.fresh(exchange.path) : null;
    if (entry !== null && exchange.takesWholeReply && !exchange.request.conditional && !this.isPosted(exchange)) {
      if (this.sendKept(exchange, entry)) return;
    }
    this.answer(exchange, exchange.path, entry ?? this.find(exchange, exchange.path));
  }

  /** Sends the kept reply of an entry for the request. False: there is none. */
  private sendKept(exchange: Exchange, entry: Entry): boolean {
    if (this.codings !== null) return this.codings.sendKept(exchange, entry);
    if (entry.whole === null) return false;
    sendKept(exchange, entry, entry.whole);
    return true;
  }

  sweep(): void {
    this.cache.sweep();
  }

  close(): void {
    this.cache.close();
  }

  /**
   * Looks up `path` (decoded, starts with "/"), which may differ from the request's path. The caller passes the entry to `answer` or `done`.
   * @param use FORM for a compressed file that is sent for another; it is cached separately from the same path by itself
   */
  private find(exchange: Exchange, path: string, use = ""): Entry {
    if (isHidden(path, exchange.settings.dotfiles)) return nothing(path, "is hidden");
    return this.at(path, place(exchange.settings, path, exchange), use);
  }

  /** As `find`, for a name in `try_files`. */
  try(exchange: Exchange, name: string): Entry {
    if (isHidden(name, exchange.settings.dotfiles)) return nothing(name, "is hidden");
    return this.at(name, triedPlace(exchange.settings, name, exchange));
  }

  private at(path: string, found: Place | null, use = ""): Entry {
    if (found === null) return nothing(path, "is no file's path here");
    const key = use + (this.byPath ? path : `${found.root}\0${found.path}\0${path}`);
    return this.cache.fresh(key) ?? this.cache.look(key, found);
  }

  /** Replies with an entry from `find`. */
  private answer(exchange: Exchange, path: string, entry: Entry): void {
    if (this.isScript(exchange, entry)) exchange.redirect(path, exchange.query);
    else if (entry.kind === "file" && this.isPosted(exchange)) exchange.fail(405, [["Allow", "GET, HEAD"]]);
    else if (entry.kind === "file") replyWithFile(exchange, path, entry, this.changes, this.codings, this.bodies);
    else if (entry.kind === "none" && this.answerBeside(exchange, path, entry)) return this.done(entry);
    else if (entry.kind === "none") this.refuse(exchange, entry);
    else this.addSlash(exchange, path, entry);
    this.done(entry);
  }

  /** As nginx, which refuses to POST to a file once it has found it. */
  private isPosted({ method, settings }: Exchange): boolean {
    return method === "POST" && settings.nginxReplies && settings.allowedMethods === null;
  }

  /** `gzip_static` and similar directives serve the compressed file even if the file itself is missing. */
  private answerBeside(exchange: Exchange, path: string, entry: Entry): boolean {
    if (this.codings === null || entry.error !== ERRNO.ENOENT || entry.unsought !== "") return false;
    if (exchange.errorStatus !== 0) return false;
    const beside = this.codings.choose(exchange, path, entry);
    if (!(beside instanceof Entry)) return false;
    replyWithBeside(exchange, path, beside, this.changes, this.codings);
    return true;
  }

  /** Releases an entry from `find`. */
  done(entry: Entry): void {
    if (!entry.cached) entry.close();
  }

  /** Redirects to the `index` of the folder at `path`, which ends in a slash; without one, gives the handler for the folder. */
  private folder(exchange: Exchange, path: string): Answer {
    const entry = this.find(exchange, path);
    this.done(entry);
    if (exchange.settings.randomIndex && entry.kind === "folder") return this.randomIn(exchange, path, entry);
    return this.indexed(exchange, path, entry);
  }

  /** `random_index`. */
  private randomIn(exchange: Exchange, path: string, entry: Entry): Answer {
    const without = (): void => {
      const answer = this.indexed(exchange, path, entry);
      if (answer !== MOVED) answer.handle(exchange);
    };
    const root = this.cache.root(entry.place);
    if (typeof root === "number") return new Folder(this, entry);
    return new RandomFile(new NamedFolder(exchange.services.kernel, exchange.location, entry.place, root), without);
  }

  private indexed(exchange: Exchange, path: string, entry: Entry): Answer {
    const index = this.indexOf(exchange, path, entry);
    if (index === null) return new Folder(this, entry);
    if (typeof index !== "string") return new Folder(this, index);
    exchange.redirect(index, exchange.query);
    return MOVED;
  }

  /** Replies for a folder without an `index`, or with the error that prevented looking for it. */
  replyForFolder(exchange: Exchange, entry: Entry): void {
    const { path, settings } = exchange;
    if (entry.kind !== "folder") return this.refuse(exchange, entry);
    if (settings.autoindex && !this.isPosted(exchange))
      return replyWithListing(exchange, path, entry.place, this.cache, this.listings);
    exchange.log("error", `directory index of "${path}" is forbidden`);
    exchange.fail(403);
  }

  /** Whether `cgi` runs the file. Then its source is never sent, even if it was created just now. */
  private isScript(exchange: Exchange, { kind, place }: Entry): boolean {
    return (
      this.hasScripts && kind === "file" && ruleFor(exchange.settings, exchange.method, filename(place)) !== undefined
    );
  }

  /** The path of a folder's `index` (an absolute one is not checked, nor is the folder, as in nginx); an Entry with the error of looking for it; or null. */
  private indexOf(exchange: Exchange, path: string, { kind }: Entry): string | Entry | null {
    for (const template of exchange.settings.index) {
      const name = evaluate(template, exchange);
      if (name.startsWith("/")) return name;
      if (kind !== "folder") return null;
      const found = this.find(exchange, path + name);
      this.done(found);
      if (found.kind === "file") return path + name;
      if (found.kind === "none" && errorStatus(found.error) !== 404) return found;
    }
    return null;
  }

  private addSlash(exchange: Exchange, path: string, entry: Entry): void {
    if (this.hasPage301) return exchange.fail(301, [withSlash(exchange, path, exchange.query)]);
    if (exchange.query !== "" || exchange.settings.absoluteRedirect || !mayKeep(exchange, entry, this.changes)) {
      return exchange.reply(301, slashFields(exchange, path, exchange.query), errorPage(301));
    }
    entry.slash ??= new KeptReply(exchange, 301, slashFields(exchange, path, ""), errorPage(301), this.changes);
    entry.slash.send(exchange);
  }

  private refuse(exchange: Exchange, entry: Entry): void {
    const status = errorStatus(entry.error);
    if (status >= 500) exchange.log("crit", entry.reason);
    else if (this.logsErrors && (status !== 404 || exchange.settings.logNotFound)) exchange.log("error", entry.reason);
    if (status !== 404 || !this.keeps404 || !exchange.takesWholeReply) return exchange.fail(status);
    const kept = this.kept404.for(exchange);
    if (kept === null) exchange.fail(404);
    else kept.send(exchange);
  }

  private reply404(exchange: Exchange): KeptReply {
    return new KeptReply(
      exchange,
      404,
      [["Content-Type", errorPageType(exchange.settings)]],
      errorPage(404),
      this.changes,
    );
  }
}

/** Answers for a folder that has no `index` or does not exist. */
class Folder implements Answer {
  constructor(
    private readonly files: StaticHandler,
    private readonly entry: Entry,
  ) {}

  handle(exchange: Exchange): void {
    this.files.replyForFolder(exchange, this.entry);
  }
}

/** An entry for a path that is not looked up. */
function nothing(path: string, why: string): Entry {
  const entry = new Entry({ root: "", path });
  entry.error = ERRNO.ENOENT;
  entry.unsought = why;
  return entry;
}

/** The Location with a slash added. It is a path with exactly one slash at its start, because two would name another host. */
function withSlash(exchange: Exchange, path: string, query: string): Field {
  const location = "/" + encodePath(path.replace(/^[/\\]+/, "")) + "/" + (query === "" ? "" : "?" + query);
  return ["Location", locationTo(exchange, location)];
}

const slashFields = (exchange: Exchange, path: string, query: string): Field[] => [
  ["Content-Type", errorPageType(exchange.settings)],
  withSlash(exchange, path, query),
];
