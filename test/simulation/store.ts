/** The upload store of the simulated site: requests that store files in it, and its invariants. */
import { S_IFDIR } from "../../ffi/abi.ts";
import type { Client } from "./client.ts";
import type { Fault } from "./faults.ts";
import { OpenFile } from "./open-file.ts";
import { type Expected, inChunks, pattern, type Request, request } from "./site.ts";
import type { Node } from "./tree.ts";
import type { World } from "./world.ts";

/** Directives of the simulated server: a location that allows everything. */
export const UPLOADS = `
  location /up/ { upload_store /site/up; delete_files on; upload_resume_lifetime 1h; client_max_body_size 100k; }
  location /refuse/ { upload_store /site/up; alias /site/up/; upload_overwrite refuse; }
  location /replace/ { upload_store /site/up; alias /site/up/; upload_overwrite replace; }
`;

const FOLDER = "/site/up";
const STAGING = ".webserv";
const BOUNDARY = "--=_simulated";

/** The framing of a request's body. */
export interface Sending {
  /** Size of the chunks in bytes; 0: Content-Length. */
  readonly chunks?: number;
  readonly fields?: readonly string[];
  readonly continues?: boolean;
}

const STORED: Expected = { status: 201, fields: { location: "*" }, closes: false };

/** A request with a body, in either framing. */
export function sending(method: string, target: string, expected: Expected, body: Buffer, how: Sending = {}): Request {
  const { chunks = 0, fields = [], continues = false } = how;
  const framing = chunks > 0 ? "Transfer-Encoding: chunked" : `Content-Length: ${body.length}`;
  const all = [framing, ...(continues ? ["Expect: 100-continue"] : []), ...fields];
  return request(target, expected, {
    method,
    fields: all,
    body: chunks > 0 ? inChunks(body, chunks) : body,
    continues,
  });
}

/** PUT: 201, or 204 if there was a file. */
export const put = (path: string, body: Buffer, how?: Sending): Request =>
  sending("PUT", `/up/${path}`, { ...STORED, or: [204] }, body, how);

/** POST whose body is the file. */
export const post = (path: string, body: Buffer, how?: Sending): Request =>
  sending("POST", `/up/${path}`, STORED, body, how);

export interface FormFile {
  readonly name: string;
  readonly content: Buffer;
}

/** POST of a form to the store. */
export function postForm(files: readonly FormFile[], { fields = [], ...how }: Sending = {}): Request {
  const parts = files.flatMap(({ name, content }) => [
    Buffer.from(`--${BOUNDARY}\r\nContent-Disposition: form-data; name="f"; filename="${name}"\r\n\r\n`),
    content,
    Buffer.from("\r\n"),
  ]);
  const body = Buffer.concat([...parts, Buffer.from(`--${BOUNDARY}--\r\n`)]);
  const type = `Content-Type: multipart/form-data; boundary="${BOUNDARY}"`;
  return sending("POST", "/up/", STORED, body, { ...how, fields: [type, ...fields] });
}

/** GET: one of the versions, or 404. More versions may be added later. */
export const getAny = (path: string, bodies: readonly Buffer[]): Request =>
  request(`/up/${path}`, { status: 200, bodies, or: [404], closes: false });

/** DELETE: 204, or 404 if there is no file. */
export const remove = (path: string): Request =>
  request(`/up/${path}`, { status: 204, or: [404], closes: false }, { method: "DELETE" });

/** Checks the store after each turn: every file in it must be complete, and equal to one that a client sent under its name. */
export class Store {
  /** The contents that a file may have, by name. A missing file (undefined) is always correct. */
  private readonly sent = new Map<string, Buffer[]>();
  private salt = 0;
  private readonly seen = new WeakMap<Node, Buffer>();

  /** @param moves clients move and copy files, so any may have any content, and make folders, which may be empty */
  constructor(
    private readonly world: World,
    private readonly moves = false,
  ) {
    world.afterEachTurn(() => this.check());
    if (moves) world.awaits(() => this.leftovers(true).length === 0); // copies are removed while others are served
    world.promises("nothing unfinished is left", () => this.leftovers(true).join(", ") || true);
    world.promises("no unfinished file is open", () => this.open().join(", ") || true);
    world.atEnd("nothing unfinished is left after the stop", () => this.leftovers(false).join(", ") || true);
    // An empty folder may stay if the server created it and then could not open it.
    const isEmpty = () => this.folder.entries.get(STAGING)?.entries.size === 0;
    world.atEnd("no empty folder is left", () => !isEmpty() || world.kernel.faults.includes(...OPENING, ...REMOVING));
  }

  private get names() {
    return this.world.kernel.files.names;
  }

  /** New content of `length` bytes, different from all others, for a client to store as `name`, a path in the store. */
  invents(name: string, length: number): Buffer {
    const versions = this.versions(name);
    while (versions.some((version) => version.length === length)) length++;
    const content = pattern(length, ++this.salt);
    versions.push(content);
    return content;
  }

  /** All contents that clients may have sent for a name. */
  versions(path: string): Buffer[] {
    const name = this.moves ? "" : path;
    const versions = this.sent.get(name) ?? [];
    this.sent.set(name, versions);
    return versions;
  }

  /** The current content. */
  content(name: string): Buffer | null {
    return this.world.kernel.files.tree.at(`${FOLDER}/${name}`)?.content ?? null;
  }

  /** Checks that the client's file exists if its `index`th reply says so, and does not after an error. Only for names that no other client sends. */
  keepsItsWord(client: Client, index: number, { name, content }: FormFile): void {
    this.world.promises(`${name} is as its reply said`, () => {
      const status = client.replies.statuses[index];
      const found = this.content(name);
      if (status === undefined) return found === null || found.equals(content) || "something else";
      if (status < 300) return found?.equals(content) || `${status}, but ${found?.length ?? "no"} bytes`;
      const node = this.world.kernel.files.tree.at(`${FOLDER}/${name}`);
      return node === null || this.names.undeletable.has(node) || `${status}, but it is there`;
    });
  }

  private check(): void {
    for (const [name, node] of this.files()) {
      if (this.seen.get(node) === node.content) continue;
      const original = name.replace(/-(?:\d{1,3}|[0-9a-f]{16})(?=\.|$)/, "");
      const versions = [...this.versions(name), ...this.versions(original)];
      if (!versions.some((version) => version.equals(node.content))) {
        throw new Error(`${name} has ${node.content.length} bytes that nobody sent so`);
      }
      this.seen.set(node, node.content);
    }
  }

  /** Every visible file of the store, by path. */
  files(folder = this.folder, path = ""): [string, Node][] {
    return [...folder.entries].flatMap(([name, node]): [string, Node][] => {
      if (name === STAGING) return [];
      return node.is(S_IFDIR) ? this.files(node, `${path}${name}/`) : [[path + name, node]];
    });
  }

  private get folder(): Node {
    return this.world.kernel.files.tree.at(FOLDER)!;
  }

  /** Unfinished files and empty folders, without those that a fault kept from being removed, and without files of resumable uploads. */
  private leftovers(running: boolean): string[] {
    const staging = this.folder.entries.get(STAGING);
    const names = [...(staging?.entries ?? [])].filter(
      ([name, node]) => !RESUMABLE.test(name) && !this.isStuck(node) && !(running && LOCK.test(name)),
    );
    return [...names.map(([name]) => name), ...(this.moves ? [] : this.emptyFolders())];
  }

  /** Whether a fault kept it, or something in it, from being removed. */
  private isStuck(node: Node): boolean {
    return this.names.undeletable.has(node) || [...node.entries.values()].some((member) => this.isStuck(member));
  }

  private emptyFolders(folder = this.folder, path = ""): string[] {
    return [...folder.entries].flatMap(([name, node]) => {
      if (name === STAGING || !node.is(S_IFDIR)) return [];
      const isEmpty = node.entries.size === 0 && !this.names.undeletable.has(node);
      return isEmpty ? [`${path}${name}/`] : this.emptyFolders(node, `${path}${name}/`);
    });
  }

  private open(): string[] {
    const { descriptors } = this.world.kernel;
    const files = [...descriptors.numbers()]
      .map((fd) => descriptors.get(fd))
      .filter((file) => file instanceof OpenFile);
    const unfinished = files.filter(({ node }) => node.parent?.name === STAGING && !LOCK.test(node.name));
    return unfinished.map((file) => file.describe());
  }
}

const OPENING: readonly Fault[] = ["EMFILE", "ENFILE"];
const REMOVING: readonly Fault[] = ["EACCES", "EROFS", "EIO in writing"];
const RESUMABLE = /^[0-9a-f]{32}\.(?:part|json)$/;
const LOCK = /^[0-9a-f]{16}\.lock$/;
