/** What a request says about locks: whether its field If holds, and which locks' tokens it has. */
import type { Exchange } from "../../../exchange/exchange.ts";
import { xmlText } from "../../../http/xml/writer.ts";
import { etagOf } from "../../files/file-reply.ts";
import { Failure } from "../../upload/failure.ts";
import { pathOf } from "../fields.ts";
import { replyError } from "../replies.ts";
import type { Resource } from "../resource.ts";
import { type Condition, type ConditionList, parseIf } from "./if-field.ts";
import type { Lock, LockTable } from "./lock-table.ts";

/** Finds the resource of a decoded path. */
type Finder = (path: string) => Resource | Failure;

export class Submitted {
  private constructor(
    private readonly exchange: Exchange,
    private readonly table: LockTable | null,
    private readonly tokens: ReadonlySet<string>,
  ) {}

  /** A Failure: the field If is malformed (400), or does not hold (412). @param table null: there are no locks */
  static of(exchange: Exchange, table: LockTable | null, find: Finder): Submitted | Failure {
    const values = exchange.request.fieldAll("if");
    if (values.length === 0) return new Submitted(exchange, table, new Set());
    const lists = parseIf(values.join(" "));
    if (lists === null) return new Failure(400, `client sent invalid "If" header: "${values.join(" ")}"`, "info");
    if (!lists.some((list) => holds(exchange, table, list, find))) return new Failure(412);
    const tokens = lists.flatMap(({ conditions }) => conditions.map(({ token }) => token));
    return new Submitted(exchange, table, new Set(tokens.filter((token) => token !== "")));
  }

  /** Whether the request has the token of a lock, and comes from who has made that. */
  has({ token, user }: Lock): boolean {
    return this.tokens.has(token) && user === this.exchange.user;
  }

  /** The locks whose tokens it has. */
  locks(now: number): Lock[] {
    const all = [...this.tokens].map((token) => this.table?.get(token, now));
    return all.filter((lock) => lock !== undefined).filter((lock) => this.has(lock));
  }

  /** A lock of `locks` that stands in the way: the request has no token of its, nor of one that is shared with it. undefined: none does. */
  obstacle(locks: Iterable<Lock>): Lock | undefined {
    const others = new Map<string, Lock>();
    const own = new Set<string>();
    for (const lock of locks) {
      if (this.has(lock)) own.add(lock.file);
      else others.set(lock.file, lock);
    }
    return [...others.values()].find(({ file }) => !own.has(file));
  }
}

function holds(exchange: Exchange, table: LockTable | null, list: ConditionList, find: Finder): boolean {
  const path = list.resource === null ? exchange.path : pathOf(exchange, list.resource);
  const resource = path === null ? null : find(path);
  const now = exchange.services.clock.now;
  const file = resource === null || resource instanceof Failure ? null : resource;
  const tokens = file === null ? [] : (table?.covering(file.filename, now) ?? []).map(({ token }) => token);
  return list.conditions.every((condition) => condition.not !== isTrue(condition, tokens, file));
}

function isTrue({ token, etag }: Condition, tokens: readonly string[], file: Resource | null): boolean {
  if (token !== "") return tokens.includes(token);
  if (file === null) return false;
  const kind = file.look();
  return kind === "file" && file.settings.etag && etagOf(file.status) === etag;
}

/** Replies 423 (Locked), with the lock that stands in the way. @param condition RFC 4918 §16 */
export function replyLocked(
  exchange: Exchange,
  { root }: Pick<Lock, "root">,
  condition: "lock-token-submitted" | "no-conflicting-lock" = "lock-token-submitted",
): void {
  const body = `<D:${condition}><D:href>${xmlText(root)}</D:href></D:${condition}>`;
  replyError(exchange, 423, body);
}
