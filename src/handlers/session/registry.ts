/** The session stores of one server, made when its locations name them, and their files. */
import type { Settings } from "../../config/model.ts";
import type { Services } from "../../exchange/services.ts";
import { Ids, SECRET_BYTES } from "./ids.ts";
import { SessionFile } from "./session-file.ts";
import { SessionStore } from "./store.ts";

/** What sessions need of the server. */
type SessionServices = Pick<Services, "kernel" | "clock" | "randomHex" | "log">;

/** A use of sessions by a location: the server's name and the location's settings. */
export interface SessionUse {
  readonly serverName: string;
  readonly settings: Settings;
}

export class SessionRegistry {
  private readonly stores = new Map<string, SessionStore>();
  /** By path. */
  private readonly files = new Map<string, SessionFile>();
  private readonly startedAt: number;

  constructor(private readonly services: SessionServices) {
    const { clock } = services;
    this.startedAt = clock.second * 1000 - clock.now;
  }

  /** ms since 1970 by the clock at start, so that setting the clock later does not change the age of sessions. */
  private readonly now = (): number => this.startedAt + this.services.clock.now;

  /** The store of a location. Locations with the same server name, cookie and file share one. */
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
    else this.fileAt(file).add(store);
    return store;
  }

  /**
   * Keeps the stores that the current configuration uses, with its limits, and those that requests in progress still use. Closes
   * all others; sessions that are only in memory are lost.
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
    for (const [file, sessionFile] of this.files) {
      if (!sessionFile.has(store)) continue;
      if (sessionFile.remove(store) === 0) this.files.delete(file);
    }
  }

  private fileAt(file: string): SessionFile {
    let sessionFile = this.files.get(file);
    if (sessionFile === undefined) {
      sessionFile = new SessionFile(file, this.services, this.services.randomHex(SECRET_BYTES));
      this.files.set(file, sessionFile);
    }
    return sessionFile;
  }

  /** Loads sessions from the files: before the first request, and when new files have been added. */
  start(): void {
    for (const sessionFile of this.files.values()) sessionFile.start();
  }

  /** Whether there are changes to write to a file. */
  get pending(): boolean {
    for (const sessionFile of this.files.values()) if (sessionFile.pending) return true;
    return false;
  }

  /** How long they may wait, ms. */
  get delay(): number {
    return Math.min(...[...this.files.values()].filter(({ pending }) => pending).map(({ delay }) => delay));
  }

  /** Writes the changes to the files. */
  flush(): void {
    for (const sessionFile of this.files.values()) if (sessionFile.pending) sessionFile.flush();
  }

  /** Removes expired sessions. */
  sweep(): void {
    for (const store of this.stores.values()) store.sessions.expire(this.now(), store.lifetime);
  }

  /** Writes the changes and closes the files. */
  close(): void {
    for (const sessionFile of this.files.values()) sessionFile.close();
  }
}

const scopeOf = (serverName: string, { sessionCookie }: Settings): string => `${sessionCookie}@${serverName}`;

const keyOf = (serverName: string, settings: Settings): string =>
  `${scopeOf(serverName, settings)}\n${settings.sessionStore ?? ""}`;
