/**
 * `autoindex`: the content of a folder as a stream. A folder of 100,000 names neither blocks the loop nor is cut short: each
 * turn reads some names or describes some files, and other clients are served in between. A client that does not read its
 * listing costs only a few KB, because the listing keeps only the last name it has described.
 */
import { S_IFDIR, S_IFREG } from "../../../ffi/abi.ts";
import { ERRNO, errnoText } from "../../../ffi/errno.ts";
import type { Block } from "../../../ffi/memory.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import { filename, type Place } from "../../exchange/place.ts";
import type { StreamBody } from "../../exchange/reply.ts";
import { errorStatus } from "../errors.ts";
import type { FileCache } from "../files/file-cache.ts";
import { Folder } from "./folder.ts";
import type { FolderNames } from "./folder-names.ts";
import type { ListingFormat } from "./format.ts";
import { formatOf } from "./formats.ts";
import type { Listings } from "./listings.ts";

/** Replies with the listing of the folder at `place`; `path` is its URI. */
export function replyWithListing(
  exchange: Exchange,
  path: string,
  place: Place,
  cache: FileCache,
  listings: Listings,
): void {
  const { services, location } = exchange;
  const format = formatOf(exchange.settings, exchange.query);
  if (format === null) {
    exchange.log("info", "client sent an invalid callback name");
    return exchange.fail(400);
  }
  const root = cache.root(place);
  const folder = typeof root === "number" ? null : new Folder(services.kernel, location, place, root);
  const fd = folder?.open() ?? (root as number);
  if (folder === null || fd < 0) {
    exchange.log("error", `open() "${filename(place)}" failed (${errnoText(fd)})`);
    return exchange.fail(errorStatus(-fd));
  }
  const listing = new FolderListing(exchange, listings, path, folder, fd, format);
  exchange.reply(200, [["Content-Type", format.type]], listing);
}

const NOTHING = Buffer.alloc(0);

export class FolderListing implements StreamBody {
  readonly kind = "stream";
  readonly length = -1;
  private names: FolderNames | null;
  /** The last name described; folders come before files. */
  private last = "";
  private inFiles = false;
  private listed = 0;
  /** The text not sent yet is text[textAt, end). */
  private text: Buffer;
  private textAt = 0;

  /** @param fd to read the folder, which is closed when it has been read */
  constructor(
    private readonly exchange: Exchange,
    private readonly shared: Listings,
    path: string,
    private readonly folder: Folder,
    fd: number,
    private readonly format: ListingFormat,
  ) {
    folder.root.retain();
    this.names = this.shared.names.acquire(folder, fd);
    this.text = Buffer.from(format.head(path), "utf8");
  }

  read(block: Block, offset: number, length: number): number {
    while (this.textAt === this.text.length) {
      if (this.names === null) return 0;
      if (!this.shared.budget.take(this, this.exchange.services.clock.now, this.format.cost)) {
        this.exchange.resume();
        return -ERRNO.EAGAIN;
      }
      const failure = this.step(this.names);
      if (failure < 0) return failure;
    }
    const n = this.text.copy(block.bytes, offset, this.textAt, Math.min(this.text.length, this.textAt + length));
    this.textAt += n;
    if (this.textAt === this.text.length) this.setText(NOTHING);
    return n;
  }

  close(): void {
    this.releaseNames();
    this.shared.budget.leave(this);
    this.folder.root.release();
  }

  private setText(text: Buffer): void {
    this.text = text;
    this.textAt = 0;
  }

  private releaseNames(): void {
    if (this.names !== null) this.shared.names.release(this.names);
    this.names = null;
  }

  private step(names: FolderNames): number {
    if (names.failure < 0) return names.failure;
    const next = this.next(names);
    if (next !== null) this.setText(Buffer.from(this.rows(next), "utf8"));
    else if (names.unread) this.shared.names.step();
    else return this.reacquire();
    return 0;
  }

  private reacquire(): number {
    const names = this.shared.names.reacquire(this.folder);
    if (typeof names === "number") return names;
    this.releaseNames();
    this.names = names;
    return 0;
  }

  /** The names to describe next, an empty list at the end; null when the names are not available. */
  private next({ folders, files }: FolderNames): string[] | null {
    if (folders === null || files === null) return null;
    if (this.inFiles) return files.after(this.last);
    const next = folders.after(this.last);
    if (next.length > 0) return next;
    this.inFiles = true;
    this.last = "";
    return files.after("");
  }

  /** The text of some names; for an empty list, the end of the page. */
  private rows(names: readonly string[]): string {
    const { format, folder } = this;
    let text = "";
    for (const name of names) {
      // Files that cannot be opened, and those that are neither file nor folder, would not be served either.
      const kind = folder.look(name);
      if (kind !== S_IFDIR && kind !== S_IFREG) continue;
      const { size, mtimeSeconds } = folder.status;
      text += format.row(name, kind === S_IFDIR, size, mtimeSeconds, this.listed++, folder.status);
    }
    if (names.length > 0) {
      this.last = names.at(-1)!;
      return text;
    }
    this.releaseNames();
    return format.tail(this.listed);
  }
}
