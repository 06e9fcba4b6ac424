/**
 * Stores groups of sessions in one file; the file is written a second after memory. If the file cannot be used, sessions
 * continue in memory, the error log says why, and the file is tried again.
 */
import { O_CREAT, O_EXCL, O_PATH, O_RDWR, S_IFMT, S_IFREG } from "../../../ffi/abi.ts";
import { ERRNO, errnoText } from "../../../ffi/errno.ts";
import { FileStatus } from "../../../ffi/kernel.ts";
import type { Services } from "../../exchange/services.ts";
import { Ids } from "./ids.ts";
import { type Change, SessionDatabase } from "./sqlite.ts";
import type { SessionStore } from "./store.ts";

/** Most changes in one transaction, so that it does not block the loop for long. The rest follows soon. */
const MOST_CHANGES = 1000;
/** Time from a change to its transaction, and to the next transaction when changes are left, ms. */
const WRITE_DELAY = 1000;
const NEXT_WRITE_DELAY = 50;
/** Time until a file that could not be used is tried again, ms. */
const RETRY = 10_000;
/** How long to wait for another process that has locked the file, ms; only at start and at the end, when no client waits. */
const LOCK_WAIT = 1000;
/** Bytes of SQLite's smallest page. */
const SMALLEST_DATABASE = 512;

export class SessionFile {
  /** By scope. */
  private readonly stores = new Map<string, SessionStore>();
  private database: SessionDatabase | null = null;
  /** Why the file can't be used now, "" when it can; logged once. */
  private trouble = "";
  private retryAt = 0;
  /** The last transaction did not contain all changes. */
  private behind = false;
  private readonly status = new FileStatus();
  /** Device and inode of the open file. */
  private identity = "";

  constructor(
    private readonly path: string,
    private readonly services: Pick<Services, "kernel" | "clock" | "log">,
    /** The secret in the file, once it has been read; before that, the one to write to a file without a secret. */
    private secret: string,
  ) {}

  /** Adds a store. If the file is open, loads the store's sessions from it. */
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

  /** Removes a store after writing its changes. Gives the number of stores left; with the last one the file is closed. */
  remove(store: SessionStore): number {
    if (this.stores.size === 1) this.close();
    else if (this.database !== null && store.sessions.changed!.size > 0) {
      const problem = this.write(Number.POSITIVE_INFINITY, 0);
      if (problem !== "") this.say(`${problem}; what has changed in "${store.scope}" is lost`);
    }
    this.stores.delete(store.scope);
    return this.stores.size;
  }

  /** Opens the file, if it is not open, and loads the sessions. */
  start(): void {
    if (this.database === null) this.open(LOCK_WAIT);
  }

  /** Whether `flush` has something to do. */
  get pending(): boolean {
    return this.trouble === "" ? this.hasChanges : this.services.clock.now >= this.retryAt;
  }

  /** How long `flush` may wait, ms. */
  get delay(): number {
    return this.behind ? NEXT_WRITE_DELAY : WRITE_DELAY;
  }

  private get hasChanges(): boolean {
    for (const { sessions } of this.stores.values()) if (sessions.changed!.size > 0) return true;
    return false;
  }

  /** Writes the changes. */
  flush(): void {
    this.checkFile();
    if (this.database === null) this.open(0);
    if (this.database === null) return;
    const problem = this.write(MOST_CHANGES, 0);
    if (problem === "") this.works();
    else this.failed(problem);
  }

  /** Writes all changes and closes the file. */
  close(): void {
    if (this.checkFile()) this.open(LOCK_WAIT);
    if (this.database === null) return;
    const problem = this.hasChanges ? this.write(Number.POSITIVE_INFINITY, LOCK_WAIT) : "";
    if (problem !== "") this.say(`${problem}; what has changed since it was written last is lost`);
    this.disconnect();
  }

  /** Closes a file whose name has been removed or replaced, because nobody would find what is written to it. Gives whether it did. */
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

  private open(lockWait: number): void {
    const problem = this.make() || this.connect(lockWait);
    if (problem !== "") this.failed(problem);
    else this.works();
  }

  /** Creates the file if it does not exist, only for its owner; SQLite gives its other files the same mode. Gives "" or a reason. */
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
    const fd = kernel.open(this.path, O_PATH, 0); // O_PATH: closing any other descriptor of the file would release SQLite's locks (fcntl(2))
    if (fd < 0) return fd;
    const n = kernel.fstat(fd, this.status);
    kernel.close(fd);
    return n;
  }

  private connect(lockWait: number): string {
    this.identity = identityOf(this.status);
    const database = SessionDatabase.open(this.path, this.secret, lockWait);
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

  /** Reads everything before storing anything, so that half a file is not used. */
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

  /** The time before which no store has a session, including stores that the configuration no longer has. */
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

  /** Writes at most `most` changes. Gives "" or what went wrong. */
  private write(most: number, lockWait: number): string {
    const changes = this.changes(most);
    const problem = this.database!.write(changes, lockWait);
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

  /** Logs that a problem has ended at the same level as its beginning, so that a log that has one also has the other. */
  private say(message: string): void {
    this.services.log("error", `session_store "${this.path}": ${message}`);
  }
}

/** Checks a file before SQLite does. SQLite takes a file of one byte for an empty database and would overwrite it. Gives "" or a reason. */
function unfit({ mode, size }: FileStatus): string {
  if ((mode & S_IFMT) !== S_IFREG) return "it is no regular file";
  return size > 0 && size < SMALLEST_DATABASE ? "file is not a database" : "";
}

const identityOf = ({ device, inode }: FileStatus): string => `${device}:${inode}`;
