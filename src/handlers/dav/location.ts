/** What the WebDAV requests of one location share. */
import type { Settings } from "../../config/model.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import { evaluate } from "../../http/reply/conditional.ts";
import { validatorsOf } from "../files/file-reply.ts";
import type { HandlerServices } from "../services.ts";
import { Failure } from "../upload/failure.ts";
import type { Lock, LockTable } from "./locks/lock-table.ts";
import { replyLocked, Submitted } from "./locks/submitted.ts";
import { type Resource, resourceAt } from "./resource.ts";
import { DavStores } from "./stores.ts";

/** What a request does to a resource: writes it, adds or removes its name, the latter with all that is within. */
interface Change {
  readonly resource: Resource;
  readonly what: "write" | "add" | "remove";
}

export class DavLocation {
  /** null: nothing is locked. */
  readonly locks: LockTable | null;
  private readonly stores: DavStores;
  /** Work that goes on without a client. */
  private readonly background = new Set<{ stop(): void }>();

  constructor(
    readonly services: HandlerServices,
    readonly settings: Settings,
  ) {
    this.stores = new DavStores(services, settings);
    this.locks = settings.davLock === null ? null : services.locks.table(settings.davLock);
  }

  /**
   * Whether the paths of folders may lack their slash. nginx refuses that, but some file managers leave it out, so it is allowed where
   * `dav_ext_methods` expects those.
   */
  get isLenient(): boolean {
    return this.settings.davExtMethods.length > 0;
  }

  /** The resource of a decoded path; a Failure: clients do not see such paths. */
  resource(exchange: Exchange, path = exchange.path): Resource | Failure {
    return resourceAt(exchange, this.stores, path);
  }

  /** The same for something to be created: that there is none, because clients do not see such paths, would be no answer. */
  creatable(exchange: Exchange, path = exchange.path): Resource | Failure {
    const found = this.resource(exchange, path);
    return found instanceof Failure && found.status === 404 ? new Failure(403, found.reason, "info") : found;
  }

  /**
   * Checks the preconditions of RFC 9110 §13 for a resource (`exists`: `look` has found it), the field If, and that nobody else has locked
   * what the request changes. False: they do not allow the request, and it has its reply.
   */
  permits(exchange: Exchange, resource: Resource, exists: boolean, changes: readonly Change[]): boolean {
    const refuse = this.refusal(exchange, resource, exists, changes);
    refuse?.();
    return refuse === null;
  }

  /** The same; gives what replies if the request is not allowed, else null. */
  refusal(exchange: Exchange, resource: Resource, exists: boolean, changes: readonly Change[]): (() => void) | null {
    if (this.conditionFails(exchange, resource, exists)) return () => exchange.fail(412);
    const submitted = this.submitted(exchange);
    if (submitted instanceof Failure) return () => submitted.reply(exchange);
    const lock = submitted.obstacle(changes.flatMap((change) => this.locksOf(change)));
    return lock === undefined ? null : () => replyLocked(exchange, lock);
  }

  /** What the request says about locks. */
  submitted(exchange: Exchange): Submitted | Failure {
    return Submitted.of(exchange, this.locks, (path) => this.resource(exchange, path));
  }

  /** The resource is gone, with all within: its locks are, too. */
  gone({ filename }: Resource): void {
    this.locks?.removeAt(filename);
  }

  /** Records work that goes on without a client; `close` stops it. */
  begin(work: { stop(): void }): void {
    this.background.add(work);
  }

  end(work: { stop(): void }): void {
    this.background.delete(work);
  }

  start(): void {
    if (this.settings.davMethods.length > 0) this.stores.start();
  }

  close(): void {
    for (const work of [...this.background]) work.stop();
    this.background.clear();
    this.stores.close();
  }

  private conditionFails({ request, services }: Exchange, { settings, status }: Resource, exists: boolean): boolean {
    if (!request.conditional) return false;
    if (!exists) return request.fieldIndex("if-match") >= 0; // "*" needs something, too
    const { second } = services.clock;
    return evaluate(request, validatorsOf(settings, status), settings.ifModifiedSince, second) !== 0;
  }

  private locksOf({ resource, what }: Change): Lock[] {
    const { locks } = this;
    if (locks === null || locks.count === 0) return [];
    const { filename } = resource;
    const { now } = this.services.clock;
    const covering = locks.covering(filename, now);
    if (what === "write") return covering;
    const inFolder = [...covering, ...locks.ofFolder(filename.slice(0, filename.lastIndexOf("/")), now)];
    return what === "add" ? inFolder : [...inFolder, ...locks.within(filename, now)];
  }
}
