/** The session of a request: found by its cookie, or new. */
import type { Settings } from "../../config/model.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import { MOST_DATA, type Session } from "../../exchange/session.ts";
import { serialiseCookie } from "../../http/cookie.ts";
import { isObject, type Json, mergePatch } from "../../http/merge-patch.ts";
import { ID_BYTES } from "./ids.ts";
import { ENDED } from "./memory.ts";
import type { SessionStore } from "./store.ts";

const COOKIE = { path: "/", httpOnly: true, sameSite: "Lax" } as const;
const EMPTY = "{}";

/**
 * The session of the request in `store`, opened by the first call, which also sends the cookie if needed. After an internal
 * redirect to a location with another store, the session of that store is used.
 */
export function openSession(exchange: Exchange, store: SessionStore): Session {
  const { session } = exchange;
  if (session instanceof Visitor && session.store === store) return session;
  return (exchange.session = open(exchange, store));
}

function open(exchange: Exchange, store: SessionStore): Visitor {
  const { request, settings, services } = exchange;
  const visit = store.visit(request, settings.sessionCookie);
  const visitor = new Visitor(exchange, store, visit?.id ?? services.randomHex(ID_BYTES), visit === null);
  // A session that is about to end needs no cookie; a reply must not have two of one name (RFC 6265 §4.1.1).
  const ends = settings.sessionApi && exchange.method === "DELETE";
  if (!ends && (visit === null || visit.renew)) visitor.sendCookie();
  return visitor;
}

class Visitor implements Session {
  private readonly settings: Settings;

  constructor(
    private readonly exchange: Exchange,
    readonly store: SessionStore,
    readonly id: string,
    /** The visitor has not got the cookie yet. */
    private readonly isNew: boolean,
  ) {
    this.settings = exchange.settings;
  }

  get data(): string {
    return this.store.sessions.peek(this.id)?.data || EMPTY;
  }

  patch(text: string): number {
    const merged = patched(this.data, text);
    if (typeof merged === "number") return merged;
    const { sessions } = this.store;
    if (sessions.peek(this.id)?.data === ENDED) return 0; // another request has ended it meanwhile
    if (merged === EMPTY) sessions.remove(this.id);
    else sessions.write(this.id, merged, this.store.now(), this.store.most);
    return 0;
  }

  /** Ends the session. Its cookies would still be valid for their lifetime, so the id is remembered as ended until then. */
  end(): void {
    const { sessions } = this.store;
    if (!this.isNew) sessions.write(this.id, ENDED, this.store.now(), this.store.most);
    this.setCookie("", 0);
  }

  sendCookie(): void {
    this.setCookie(this.store.cookie(this.id), Math.ceil(this.store.lifetime / 1000));
    // Set-Cookie alone does not stop a shared cache from giving this visitor's cookie to others (RFC 9111 §7.3).
    if (!this.settings.sessionApi) this.exchange.addField("Cache-Control", "private");
  }

  private setCookie(value: string, maxAge: number): void {
    this.exchange.addField(
      "Set-Cookie",
      serialiseCookie(this.settings.sessionCookie, value, {
        ...COOKIE,
        maxAge,
        secure: this.exchange.connection.scheme === "https",
      }),
    );
  }
}

/** Refuses numbers beyond the range of a double, which JSON.stringify would replace by null. */
function keepNumber(_name: string, value: Json): Json {
  if (typeof value === "number" && !Number.isFinite(value)) throw new TypeError("a number is too large");
  return value;
}

/** Applies the patch to `data`. Gives the new data, or the status that refuses the patch. */
function patched(data: string, patch: string): string | 400 | 413 {
  try {
    const changes = JSON.parse(patch, keepNumber) as Json;
    if (!isObject(changes)) return 400;
    const merged = JSON.stringify(mergePatch(JSON.parse(data) as Json, changes));
    return Buffer.byteLength(merged) > MOST_DATA ? 413 : merged;
  } catch (error) {
    if (error instanceof RangeError) return 413; // nested deeper than the stack: then it is also longer than the data may be
    return 400;
  }
}
