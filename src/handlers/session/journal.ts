/**
 * Keeps groups of sessions in one file, a second behind memory. A file that can't be used is no reason to do without sessions: they
 * go on in memory, the error log says why, and the file is tried again.
 */
import { O_CREAT, O_EXCL, O_PATH, O_RDWR, S_IFMT, S_IFREG } from "../../../ffi/abi.ts";
import { ERRNO, errnoText } from "../../../ffi/errno.ts";
import { FileStatus } from "../../../ffi/kernel.ts";
import type { HandlerServices } from "../services.ts";
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
  private readonly status = new FileStatus();
  /** Device and inode of the file that is open. */
  private identity = "";

  constructor(
    private readonly path: string,
    private readonly services: Pick<HandlerServices, "kernel" | "clock" | "log">,
    /** The file's, once it was read; until then, for a file that has none yet. */
    private secret: string,
  ) {}

  /** Keeps a store, and gives it what the file has of it if that is open. */
  add(store: SessionStore): void {
    this.stores.set(store.scope, store);
    store.issueWith(new Ids(this.secret, store.scope));
    const problem = this.database === null ? "" : this.load(this.database, [store]);
    if (problem === "") return;
    this.disconnect();
    this.failed(problem);
  }

  has(store: SessionStore): boolean {
    return this.stores.get(store.scope) === store;
  }

  /** Gives up a store when what has changed in it is written. Gives how many are left; with the last one the file is closed. */
  remove(store: SessionStore): number {
    if (this.stores.size === 1) this.close();
    else if (this.database !== null && store.sessions.changed!.size > 0) {
      const problem = this.write(Number.POSITIVE_INFINITY, 0);
      if (problem !== "") this.say(`${problem}; what has changed in "${store.scope}" is lost`);
    }
    this.stores.delete(store.scope);
    return this.stores.size;
  }

  /** Opens the file, unless it is open, and takes in what it has. */
  start(): void {
    if (this.database === null) this.open(PATIENCE);
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
    this.checkFile();
    if (this.database === null) this.open(0);
    if (this.database === null) return;
    const problem = this.write(MOST_CHANGES, 0);
    if (problem === "") this.works();
    else this.failed(problem);
  }

  /** Writes all that has changed, and ends. */
  close(): void {
    if (this.checkFile()) this.open(PATIENCE);
    if (this.database === null) return;
    const problem = this.hasChanges ? this.write(Number.POSITIVE_INFINITY, PATIENCE) : "";
    if (problem !== "") this.say(`${problem}; what has changed since it was written last is lost`);
    this.disconnect();
  }

  /** Gives up a file that has lost its name: what is written to it no one finds again. Whether it did. */
  private checkFile(): boolean {
    if (this.database === null) return false;
    const n = this.inspect();
    const isGone = n === 0 ? identityOf(this.status) !== this.identity : n === -ERRNO.ENOENT || n === -ERRNO.ENOTDIR;
    if (!isGone) return false;
    this.say("it was removed or replaced while it was in use; all sessions are written again");
    this.database.emptyLog();
    this.disconnect();
    return true;
  }

  private disconnect(): void {
    this.database?.close();
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
    else if (fd !== -ERRNO.EEXIST) return errnoText(fd);
    const n = this.inspect();
    return n < 0 ? errnoText(n) : unfit(this.status);
  }

  /** The status of the file at the path; 0 or -errno. */
  private inspect(): number {
    const { kernel } = this.services;
    const fd = kernel.open(this.path, O_PATH, 0); // closing any other descriptor would undo SQLite's locks: fcntl(2)
    if (fd < 0) return fd;
    const n = kernel.fstat(fd, this.status);
    kernel.close(fd);
    return n;
  }

  private connect(patience: number): string {
    this.identity = identityOf(this.status);
    const database = SessionDatabase.open(this.path, this.secret, patience);
    if (typeof database === "string") return database;
    const problem = database.forget(this.oldest()) || this.load(database, [...this.stores.values()]);
    if (problem !== "") {
      database.close();
      return problem;
    }
    this.database = database;
    this.issueWith(database.secret);
    return "";
  }

  private issueWith(secret: string): void {
    if (secret === this.secret) return;
    this.secret = secret;
    for (const store of this.stores.values()) store.issueWith(new Ids(secret, store.scope));
  }

  /** Everything is read before anything is taken in: half a file is none. */
  private load(database: SessionDatabase, stores: readonly SessionStore[]): string {
    const loads: (() => void)[] = [];
    for (const store of stores) {
      const now = store.now();
      const rows = database.load(store.scope, now - store.lifetime);
      if (typeof rows === "string") return rows;
      loads.push(() => store.sessions.load(rows, now, store.most));
    }
    for (const load of loads) load();
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

/** What speaks against a file, before SQLite sees it: one of a single byte it takes for an empty one, and writes over it. "": nothing. */
function unfit({ mode, size }: FileStatus): string {
  if ((mode & S_IFMT) !== S_IFREG) return "it is no regular file";
  return size > 0 && size < SMALLEST_DATABASE ? "file is not a database" : "";
}

const identityOf = ({ device, inode }: FileStatus): string => `${device}:${inode}`;
