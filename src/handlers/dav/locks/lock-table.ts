/**
 * The locks of one zone (RFC 4918 §6, §7), as a tree of names: whether a file, a folder above it or something within it is locked is found
 * without looking at other locks. Memory is bounded; a lock that is not refreshed in time is over.
 */

export interface Lock {
  /** A URI that nobody can guess. */
  readonly token: string;
  /** The file's absolute name. */
  readonly file: string;
  /** The URI's path for which it was made, percent-encoded. */
  readonly root: string;
  readonly exclusive: boolean;
  /** Whether it covers all that is within a folder. */
  readonly deep: boolean;
  /** XML that the client has sent about itself; "": none. */
  readonly owner: string;
  /** Who has made it; "": someone without a password. Only the same may use it. */
  readonly user: string;
  /** How long it lasts from its last refresh, ms. */
  timeout: number;
  /** Monotonic ms. */
  until: number;
}

/** A name in a folder. */
interface Node {
  readonly parent: Node | null;
  readonly name: string;
  children: Map<string, Node> | null;
  locks: Lock[] | null;
}

/** What a lock, and a name in its path, take in memory at most, without their texts. */
const LOCK_BYTES = 500;
const NAME_BYTES = 200;

const bytesOf = ({ file, root, owner, user }: Lock): number =>
  LOCK_BYTES + NAME_BYTES * file.split("/").length + 3 * (file.length + root.length + owner.length + user.length);

export class LockTable {
  private readonly top: Node = { parent: null, name: "", children: null, locks: null };
  private readonly byToken = new Map<string, Lock>();
  private bytes = 0;
  private sweptAt = Number.NaN;

  /** @param size most bytes for locks */
  constructor(public size: number) {}

  get count(): number {
    return this.byToken.size;
  }

  /** The lock of a token; undefined: there is none any more. */
  get(token: string, now: number): Lock | undefined {
    const lock = this.byToken.get(token);
    return lock !== undefined && lock.until > now ? lock : undefined;
  }

  /** The locks that cover a file: its own, and those of folders above that cover all within. */
  covering(file: string, now: number): Lock[] {
    const found: Lock[] = [];
    const names = file.split("/");
    let node: Node | undefined = this.top;
    for (let depth = 0; node !== undefined; node = node.children?.get(names[depth++]!)) {
      const isItself = depth === names.length;
      for (const lock of node.locks ?? []) if (lock.until > now && (isItself || lock.deep)) found.push(lock);
      if (isItself) break;
    }
    return found;
  }

  /** The locks of a folder itself: who adds or removes a name there needs them. */
  ofFolder(file: string, now: number): Lock[] {
    return (this.find(file)?.locks ?? []).filter(({ until }) => until > now);
  }

  /** The locks of what is within a folder. */
  *within(file: string, now: number): Iterable<Lock> {
    const node = this.find(file);
    if (node !== undefined) yield* beneath(node, now);
  }

  /** False: there is no room. */
  add(lock: Lock, now: number): boolean {
    const bytes = bytesOf(lock);
    if (this.bytes + bytes > this.size) this.sweep(now);
    if (this.bytes + bytes > this.size) return false;
    let node = this.top;
    for (const name of lock.file.split("/")) {
      node.children ??= new Map();
      let child = node.children.get(name);
      if (child === undefined) node.children.set(name, (child = { parent: node, name, children: null, locks: null }));
      node = child;
    }
    (node.locks ??= []).push(lock);
    this.byToken.set(lock.token, lock);
    this.bytes += bytes;
    return true;
  }

  remove(lock: Lock): void {
    if (!this.byToken.delete(lock.token)) return;
    this.bytes -= bytesOf(lock);
    let node = this.find(lock.file);
    if (node === undefined) return;
    const rest = node.locks!.filter((other) => other !== lock);
    node.locks = rest.length > 0 ? rest : null;
    while (node !== undefined && node.parent !== null && node.locks === null && node.children === null) {
      const { parent, name }: Node = node;
      parent.children!.delete(name);
      if (parent.children!.size === 0) parent.children = null;
      node = parent;
    }
  }

  /** Removes the locks of a file, and of all within: it is gone. */
  removeAt(file: string): void {
    const node = this.find(file);
    if (node === undefined) return;
    for (const lock of [...(node.locks ?? []), ...beneath(node, Number.NEGATIVE_INFINITY)]) this.remove(lock);
  }

  /** Removes the locks that are over, once a second at most: with a full zone each LOCK asks for it. */
  sweep(now: number): void {
    if (now - this.sweptAt < 1000) return;
    this.sweptAt = now;
    for (const lock of this.byToken.values()) if (lock.until <= now) this.remove(lock);
  }

  private find(file: string): Node | undefined {
    let node: Node | undefined = this.top;
    for (const name of file.split("/")) node = node?.children?.get(name);
    return node;
  }
}

function* beneath(node: Node, now: number): Iterable<Lock> {
  for (const child of node.children?.values() ?? []) {
    for (const lock of child.locks ?? []) if (lock.until > now) yield lock;
    yield* beneath(child, now);
  }
}
