/**
 * Keeps groups of sessions in one file, a second behind memory. A file that can't be used is no reason to do without sessions: they
 * go on in memory, the error log says why, and the file is tried again.
 */
import { O_CREAT, O_EXCL, O_RDWR } from "../../../ffi/abi.ts";
import { ERRNO, errnoText } from "../../../ffi/errno.ts";
import type { Services } from "../handler.ts";
import { Ids } from "./ids.ts";
import { type Change, SessionDatabase } from "./sqlite.ts";
import type { SessionStore } from "./store.ts";

/** Changes in one transaction: it must not stop the loop for long. The rest follows in the next. */
const MOST_CHANGES = 10_000;
/** ms until a file that could not be used is tried again. */
const RETRY = 10_000;
/** ms that another process may keep the file locked at start and at the end, when no client waits. */
const PATIENCE = 1000;

export class Journal {
  /** By their scopes. */
  private readonly stores = new Map<string, SessionStore>();
  private database: SessionDatabase | null = null;
  /** Why the file can't be used now, "" when it can; said once. */
  private trouble = "";
  private retryAt = 0;

  constructor(
    private readonly path: string,
    private readonly services: Pick<Services, "kernel" | "clock" | "log">,
    /** For a file that has none yet. */
    private readonly secret: string,
  ) {}

  add(store: SessionStore): void {
    this.stores.set(store.scope, store);
    store.issueWith(new Ids(this.secret, store.scope));
  }

  /** Opens the file and takes in what it has. */
  start(): void {
    this.open(PATIENCE);
  }

  /** Whether `flush` has something to do. */
  get pending(): boolean {
    if (this.trouble !== "") return this.services.clock.now >= this.retryAt;
    for (const { sessions } of this.stores.values()) if (sessions.changed!.size > 0) return true;
    return false;
  }

  /** Writes what has changed. */
  flush(): void {
    if (this.database === null) this.open(0);
    if (this.database !== null) this.write(this.changes(MOST_CHANGES), 0);
  }

  /** Writes all that has changed, and ends. */
  close(): void {
    if (this.database === null) return;
    const changes = this.changes(Number.POSITIVE_INFINITY);
    if (changes.length > 0) this.write(changes, PATIENCE);
    this.database.close();
    this.database = null;
  }

  private open(patience: number): void {
    const problem = this.make() || this.connect(patience);
    if (problem !== "") this.failed(problem);
    else this.works();
  }

  /** For its owner only, and SQLite gives its other files the same mode. A file that is there is not even opened: closing it would undo SQLite's locks (fcntl(2)). */
  private make(): string {
    const { kernel } = this.services;
    const fd = kernel.open(this.path, O_RDWR | O_CREAT | O_EXCL, 0o600);
    if (fd >= 0) kernel.close(fd);
    return fd >= 0 || fd === -ERRNO.EEXIST ? "" : errnoText(fd);
  }

  private connect(patience: number): string {
    const database = SessionDatabase.open(this.path, this.secret, patience);
    if (typeof database === "string") return database;
    const problem = this.load(database);
    if (problem === "") this.database = database;
    else database.close();
    return problem;
  }

  /** Everything is read before anything is taken in: half a file is none. */
  private load(database: SessionDatabase): string {
    const loads: (() => void)[] = [];
    for (const store of this.stores.values()) {
      const now = store.now();
      const rows = database.load(store.scope, now - store.lifetime);
      if (typeof rows === "string") return rows;
      loads.push(() => store.sessions.load(rows, now, store.most));
    }
    for (const load of loads) load();
    for (const store of this.stores.values()) store.issueWith(new Ids(database.secret, store.scope));
    return "";
  }

  private changes(most: number): Change[] {
    const changes: Change[] = [];
    for (const { scope, sessions } of this.stores.values()) {
      for (const id of sessions.changed!) {
        if (changes.length >= most) return changes;
        const entry = sessions.peek(id);
        changes.push({ scope, id, data: entry?.data ?? null, used: Math.trunc(entry?.used ?? 0) });
      }
    }
    return changes;
  }

  private write(changes: readonly Change[], patience: number): void {
    const problem = this.database!.write(changes, patience);
    if (problem !== "") return this.failed(problem);
    for (const { scope, id } of changes) this.stores.get(scope)!.sessions.saved(id);
    this.works();
  }

  private failed(problem: string): void {
    this.retryAt = this.services.clock.now + RETRY;
    if (problem === this.trouble) return;
    this.trouble = problem;
    this.say(`${problem}; sessions are kept in memory only, until it can be used`);
  }

  private works(): void {
    if (this.trouble !== "") this.say("it can be used again, sessions are kept in it");
    this.trouble = "";
  }

  /** The end of a trouble is as loud as its beginning: who reads of one must read of the other. */
  private say(message: string): void {
    this.services.log("error", `session_store "${this.path}": ${message}`);
  }
}
