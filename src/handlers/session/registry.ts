/** The stores of sessions of one server, made as its locations name them, and the files they are kept in. */
import type { Settings } from "../../config/model.ts";
import type { HandlerServices } from "../services.ts";
import { Ids, SECRET_BYTES } from "./ids.ts";
import { Journal } from "./journal.ts";
import { SessionStore } from "./store.ts";

/** What sessions need of the server. */
export type SessionServices = Pick<HandlerServices, "kernel" | "clock" | "randomHex" | "log">;

/** That a location uses sessions: those of its server's name, by its settings. */
export interface SessionUse {
  readonly serverName: string;
  readonly settings: Settings;
}

export class SessionRegistry {
  private readonly stores = new Map<string, SessionStore>();
  /** By their files. */
  private readonly journals = new Map<string, Journal>();
  private readonly startedAt: number;

  constructor(private readonly services: SessionServices) {
    const { clock } = services;
    this.startedAt = clock.second * 1000 - clock.now;
  }

  /** ms since 1970 by the clock as it was at the start: one that is set later makes no session older or younger. */
  private readonly now = (): number => this.startedAt + this.services.clock.now;

  /** The store of a location: one for all that have server name, cookie and file in common. */
  store(serverName: string, settings: Settings): SessionStore {
    const { sessionStore: file } = settings;
    const scope = scopeOf(serverName, settings);
    const key = keyOf(serverName, settings);
    const known = this.stores.get(key);
    const store = known ?? new SessionStore(scope, file !== null, this.now);
    store.lifetime = Math.max(store.lifetime, settings.sessionLifetime);
    store.most = Math.max(store.most, settings.sessionMax);
    if (known !== undefined) return store;
    this.stores.set(key, store);
    if (file === null) store.issueWith(new Ids(this.services.randomHex(SECRET_BYTES), scope));
    else this.journal(file).add(store);
    return store;
  }

  /**
   * Goes on with the stores that a configuration's locations use, with the bounds they set, and with those that requests in
   * progress still use. All other stores are closed, and sessions that are in memory only are gone.
   */
  keep(current: Iterable<SessionUse>, draining: Iterable<SessionUse>): void {
    const bounds = new Map<string, { lifetime: number; most: number }>();
    for (const { serverName, settings } of current) {
      const key = keyOf(serverName, settings);
      const { lifetime, most } = bounds.get(key) ?? { lifetime: 0, most: 0 };
      bounds.set(key, {
        lifetime: Math.max(lifetime, settings.sessionLifetime),
        most: Math.max(most, settings.sessionMax),
      });
    }
    for (const [key, bound] of bounds) Object.assign(this.stores.get(key)!, bound);
    const wanted = new Set(bounds.keys());
    for (const { serverName, settings } of draining) wanted.add(keyOf(serverName, settings));
    for (const [key, store] of this.stores) if (!wanted.has(key)) this.remove(key, store);
  }

  private remove(key: string, store: SessionStore): void {
    this.stores.delete(key);
    for (const [file, journal] of this.journals) {
      if (!journal.has(store)) continue;
      if (journal.remove(store) === 0) this.journals.delete(file);
    }
  }

  private journal(file: string): Journal {
    let journal = this.journals.get(file);
    if (journal === undefined) {
      journal = new Journal(file, this.services, this.services.randomHex(SECRET_BYTES));
      this.journals.set(file, journal);
    }
    return journal;
  }

  /** Takes in what the files have: before the first request, and again when stores have come with new files. */
  start(): void {
    for (const journal of this.journals.values()) journal.start();
  }

  /** Whether changes wait to be written to a file. */
  get pending(): boolean {
    for (const journal of this.journals.values()) if (journal.pending) return true;
    return false;
  }

  /** How long they can wait, in ms. */
  get delay(): number {
    return Math.min(...[...this.journals.values()].filter(({ pending }) => pending).map(({ delay }) => delay));
  }

  /** Writes what has changed to the files. */
  flush(): void {
    for (const journal of this.journals.values()) if (journal.pending) journal.flush();
  }

  /** Drops what was not used for too long. */
  sweep(): void {
    for (const store of this.stores.values()) store.sessions.expire(this.now(), store.lifetime);
  }

  /** Writes what has changed, and closes the files. */
  close(): void {
    for (const journal of this.journals.values()) journal.close();
  }
}

const scopeOf = (serverName: string, { sessionCookie }: Settings): string => `${sessionCookie}@${serverName}`;

const keyOf = (serverName: string, settings: Settings): string =>
  `${scopeOf(serverName, settings)}\n${settings.sessionStore ?? ""}`;
