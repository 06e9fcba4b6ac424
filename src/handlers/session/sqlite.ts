/**
 * The SQLite database of sessions. It has a write-ahead log, so after a crash it contains the last complete transaction. Nothing
 * here throws; errors are given as SQLite's message.
 */
import { Database, type Statement } from "bun:sqlite";

/** "WSES": identifies the file as ours. The version in the header says that it has the tables below. */
const APPLICATION_ID = 0x57534553;
const VERSION = 1;
const SCHEMA = `
  CREATE TABLE secret (digits TEXT NOT NULL) STRICT;
  CREATE TABLE session (scope TEXT NOT NULL, id TEXT NOT NULL, data TEXT NOT NULL, used INTEGER NOT NULL,
    PRIMARY KEY (scope, id)) STRICT, WITHOUT ROWID;
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${VERSION}`;

/** The new state of a session in the file; `data` null: remove it. */
export interface Change {
  readonly scope: string;
  readonly id: string;
  readonly data: string | null;
  /** ms since 1970. */
  readonly used: number;
}

type StoredSession = [id: string, data: string, used: number];

export class SessionDatabase {
  private readonly put: Statement<unknown, [string, string, string, number]>;
  private readonly drop: Statement<unknown, [string, string]>;

  private constructor(
    private readonly database: Database,
    /** The key of the MACs of this file's sessions. */
    readonly secret: string,
  ) {
    this.put = database.prepare("INSERT OR REPLACE INTO session (scope, id, data, used) VALUES (?, ?, ?, ?)");
    this.drop = database.prepare("DELETE FROM session WHERE scope = ? AND id = ?");
  }

  /**
   * Opens an existing file. An empty file gets the tables and `secret`. Gives a message if the file can't be used; then it is not
   * changed.
   * @param lockWait how long to wait for a lock of another process, ms
   */
  static open(path: string, secret: string, lockWait: number): SessionDatabase | string {
    let database: Database | null = null;
    try {
      database = new Database(path, { readwrite: true });
      return SessionDatabase.prepare(database, secret, lockWait);
    } catch (error) {
      database?.close();
      return reason(error);
    }
  }

  private static prepare(database: Database, secret: string, lockWait: number): SessionDatabase {
    wait(database, lockWait);
    const isNew = isEmpty(database);
    if (!isNew) expectOurs(database);
    database.run("PRAGMA journal_mode = WAL");
    database.run("PRAGMA synchronous = NORMAL");
    const digits = database.transaction(() => (isNew ? create(database, secret) : readSecret(database))).immediate();
    wait(database, 0);
    return new SessionDatabase(database, digits);
  }

  /** Removes all sessions last used at `time` or before. Gives "" or what went wrong. */
  forget(time: number): string {
    try {
      this.database.run("DELETE FROM session WHERE used <= ?", [time]);
      return "";
    } catch (error) {
      return reason(error);
    }
  }

  /** The sessions of `scope` used after `since`, in the order of their use; or a message. */
  load(scope: string, since: number): StoredSession[] | string {
    try {
      const select = "SELECT id, data, used FROM session WHERE scope = ? AND used > ? ORDER BY used";
      return this.database.query<StoredSession, [string, number]>(select).values(scope, since) as StoredSession[];
    } catch (error) {
      return reason(error);
    }
  }

  /** Makes the changes in one transaction, so all or none. Gives "" or what went wrong. `lockWait` as in `open`. */
  write(changes: readonly Change[], lockWait: number): string {
    try {
      wait(this.database, lockWait);
      const apply = this.database.transaction(() => {
        for (const change of changes) this.apply(change);
      });
      apply.immediate();
      return "";
    } catch (error) {
      return reason(error);
    }
  }

  private apply({ scope, id, data, used }: Change): void {
    if (data === null) this.drop.run(scope, id);
    else this.put.run(scope, id, data, used);
  }

  /** Empties the write-ahead log. Otherwise SQLite would apply it to another file that has got this file's name. */
  emptyLog(): void {
    try {
      this.database.run("PRAGMA wal_checkpoint(TRUNCATE)");
    } catch {
      // Another process reads the log; then that process empties it.
    }
  }

  close(): void {
    this.put.finalize();
    this.drop.finalize();
    this.database.close();
  }
}

const reason = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const wait = (database: Database, ms: number): void => void database.run(`PRAGMA busy_timeout = ${ms}`);

const pragma = (database: Database, name: string): unknown => database.query(`PRAGMA ${name}`).values()[0]![0];

function isEmpty(database: Database): boolean {
  const [count] = database.query("SELECT count(*) FROM sqlite_schema").values()[0] as [number];
  return count === 0 && pragma(database, "application_id") === 0;
}

function expectOurs(database: Database): void {
  if (pragma(database, "application_id") !== APPLICATION_ID) throw new Error("it is another program's database");
  const version = pragma(database, "user_version");
  if (version !== VERSION) throw new Error(`it is of version ${version}, this server knows ${VERSION}`);
}

function create(database: Database, secret: string): string {
  database.run(SCHEMA);
  database.run("INSERT INTO secret (digits) VALUES (?)", [secret]);
  return secret;
}

function readSecret(database: Database): string {
  const [row] = database.query("SELECT digits FROM secret").values() as [string][];
  if (row === undefined) throw new Error("its secret is missing");
  return row[0];
}
