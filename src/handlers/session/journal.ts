/**
 * Keeps groups of sessions in one file, a second behind memory. A file that can't be used is no reason to do without sessions: they
 * go on in memory, the error log says why, and the file is tried again.
 */
import { O_CREAT, O_EXCL, O_PATH, O_RDWR, S_IFMT, S_IFREG } from "../../../ffi/abi.ts";
import { ERRNO, errnoText } from "../../../ffi/errno.ts";
import { FileStatus } from "../../../ffi/kernel.ts";
import type { Services } from "../handler.ts";
import { Ids } from "./ids.ts";
import { type Change, SessionDatabase } from "./sqlite.ts";
import type { SessionStore } from "./store.ts";

/** Changes in one transaction: it must not stop the loop for long. The rest follows soon. */
const MOST_CHANGES = 1000;
/** ms from a change to its transaction; and to the next one when there is a rest. */
const PACE = 1000;
const HURRY = 50;
/** ms until a file that could not be used is tried again. */
const RETRY = 10_000;
/** ms that another process may keep the file locked at start and at the end, when no client waits. */
const PATIENCE = 1000;
/** Bytes of SQLite's smallest page. */
const SMALLEST_DATABASE = 512;

export class Journal {
  /** By their scopes. */
  private readonly stores = new Map<string, SessionStore>();
  private database: SessionDatabase | null = null;
  /** Why the file can't be used now, "" when it can; said once. */
  private trouble = "";
  private retryAt = 0;
  /** The last transaction had no room for all. */
  private behind = false;

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
    return this.trouble === "" ? this.hasChanges : this.services.clock.now >= this.retryAt;
  }

  /** How long `flush` can wait, in ms. */
  get delay(): number {
    return this.behind ? HURRY : PACE;
  }

  private get hasChanges(): boolean {
    for (const { sessions } of this.stores.values()) if (sessions.changed!.size > 0) return true;
    return false;
  }

  /** Writes what has changed. */
  flush(): void {
    if (this.database === null) this.open(0);
    if (this.database === null) return;
    const problem = this.write(MOST_CHANGES, 0);
    if (problem === "") this.works();
    else this.failed(problem);
  }

  /** Writes all that has changed, and ends. */
  close(): void {
    if (this.database === null) return;
    const problem = this.hasChanges ? this.write(Number.POSITIVE_INFINITY, PATIENCE) : "";
    if (problem !== "") this.say(`${problem}; what has changed since it was written last is lost`);
    this.database.close();
    this.database = null;
  }

  private open(patience: number): void {
    const problem = this.make() || this.connect(patience);
    if (problem !== "") this.failed(problem);
    else this.works();
  }

  /** Makes the file where there is none: for its owner only, and SQLite gives its other files the same mode. What speaks against it. */
  private make(): string {
    const { kernel } = this.services;
    const fd = kernel.open(this.path, O_RDWR | O_CREAT | O_EXCL, 0o600);
    if (fd >= 0) kernel.close(fd);
    else if (fd === -ERRNO.EEXIST) return this.inspect();
    return fd < 0 ? errnoText(fd) : "";
  }

  /** What speaks against a file that is there, before SQLite sees it: one of a single byte it takes for an empty one, and writes over it. */
  private inspect(): string {
    const { kernel } = this.services;
    const fd = kernel.open(this.path, O_PATH, 0); // closing any other descriptor would undo SQLite's locks: fcntl(2)
    if (fd < 0) return errnoText(fd);
    const status = new FileStatus();
    const n = kernel.fstat(fd, status);
    kernel.close(fd);
    if (n < 0) return errnoText(n);
    if ((status.mode & S_IFMT) !== S_IFREG) return "it is no regular file";
    return status.size > 0 && status.size < SMALLEST_DATABASE ? "file is not a database" : "";
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
    const problem = database.forget(this.oldest());
    if (problem !== "") return problem;
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

  /** Who was used before that lives in no store, be it one that the configuration no longer has. */
  private oldest(): number {
    return Math.min(...[...this.stores.values()].map(({ now, lifetime }) => now() - lifetime));
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

  /** Writes at most so many changes. What went wrong. */
  private write(most: number, patience: number): string {
    const changes = this.changes(most);
    const problem = this.database!.write(changes, patience);
    this.behind = problem === "" && changes.length === most;
    if (problem === "") for (const { scope, id } of changes) this.stores.get(scope)!.sessions.saved(id);
    return problem;
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
