/**
 * `autoindex`: what is in a folder, as a stream. A folder of 100,000 names neither stops the loop nor is cut short:
 * each turn reads some names or describes some files, and other clients have their turn in between.
 */
import {
  DT_DIR,
  DT_REG,
  directoryEntries,
  O_DIRECTORY,
  O_PATH,
  O_RDONLY,
  S_IFDIR,
  S_IFMT,
  S_IFREG,
} from "../../ffi/abi.ts";
import { ERRNO, errnoText } from "../../ffi/errno.ts";
import { FileStatus } from "../../ffi/kernel.ts";
import { Block } from "../../ffi/memory.ts";
import { errorStatus } from "./errors.ts";
import type { FileCache } from "./file-cache.ts";
import type { Exchange, StreamBody } from "./handler.ts";
import { htmlListing, jsonListing, type ListingFormat } from "./listing-page.ts";
import { openWithin, SharedFile } from "./open.ts";
import { filename, type Place } from "./place.ts";

/** Replies with the listing of the folder at `place`, whose URI is `path`. */
export function replyWithListing(exchange: Exchange, path: string, place: Place, cache: FileCache): void {
  const root = cache.root(place);
  const { kernel } = exchange.services;
  const links = exchange.settings.symlinks;
  const fd = typeof root === "number" ? root : openWithin(kernel, root.fd, place.path, O_RDONLY | O_DIRECTORY, links);
  if (typeof root === "number" || fd < 0) {
    exchange.log("error", `open() "${filename(place)}" failed (${errnoText(fd)})`);
    return exchange.fail(errorStatus(-fd));
  }
  root.retain();
  const format = exchange.settings.autoindexFormat === "json" ? jsonListing : htmlListing;
  const listing = new FolderListing(exchange, path, place, root, new SharedFile(kernel, fd), format);
  exchange.reply(200, [["Content-Type", format.type]], listing);
}

/** What one turn of the loop may cost: steps of about half a millisecond. */
const STEPS_A_TURN = 4;
/** Files described in one step, each by an open, a statx and a close. */
const ROWS_A_STEP = 64;
/** Room for the names of one getdents64, in bytes. */
const NAMES_A_STEP = 16 * 1024;

class FolderListing implements StreamBody {
  readonly kind = "stream";
  readonly length = -1;
  private readonly folders: string[] = [];
  private readonly files: string[] = [];
  private names: Block | null = new Block(NAMES_A_STEP);
  private readonly status = new FileStatus();
  private readonly prefix: string;
  private next = 0;
  private listed = 0;
  private text: Buffer;
  private textAt = 0;
  private ended = false;
  private turn = 0;
  private steps = 0;

  constructor(
    private readonly exchange: Exchange,
    path: string,
    place: Place,
    private readonly root: SharedFile,
    private readonly folder: SharedFile,
    private readonly format: ListingFormat,
  ) {
    this.prefix = place.path === "." ? "" : place.path.replace(/\/*$/, "/");
    this.text = Buffer.from(format.head(path), "utf8");
  }

  read(block: Block, offset: number, length: number): number {
    while (this.textAt === this.text.length) {
      if (this.ended) return 0;
      if (!this.mayGoOn()) {
        this.exchange.resume();
        return -ERRNO.EAGAIN;
      }
      const failure = this.step();
      if (failure < 0) return failure;
    }
    const n = this.text.copy(block.bytes, offset, this.textAt, Math.min(this.text.length, this.textAt + length));
    this.textAt += n;
    return n;
  }

  close(): void {
    this.root.release();
    this.folder.release();
  }

  private mayGoOn(): boolean {
    const { now } = this.exchange.services.clock;
    if (now !== this.turn) this.steps = 0;
    this.turn = now;
    return this.steps++ < STEPS_A_TURN;
  }

  private step(): number {
    if (this.names !== null) return this.collect(this.names);
    this.text = Buffer.from(this.rows(), "utf8");
    this.textAt = 0;
    return 0;
  }

  /** Reads some names; after the last ones, sorts them: folders first, each in the order of their characters. */
  private collect(names: Block): number {
    const n = this.exchange.services.kernel.getdents(this.folder.fd, names);
    if (n < 0) return n;
    for (const { name, type } of directoryEntries(names, n)) {
      if (name.startsWith(".") && this.exchange.settings.dotfiles === "deny") continue;
      if (type === DT_DIR || (type !== DT_REG && this.isFolder(name))) this.folders.push(name);
      else this.files.push(name);
    }
    if (n > 0) return 0;
    this.folders.sort();
    this.files.sort();
    this.names = null;
    return 0;
  }

  /** The text of the next files and folders; at the end, what closes the listing. */
  private rows(): string {
    const { folders, files, format, status } = this;
    const end = Math.min(this.next + ROWS_A_STEP, folders.length + files.length);
    let text = "";
    for (; this.next < end; this.next++) {
      const name = folders[this.next] ?? files[this.next - folders.length];
      // What cannot be opened here, or is neither file nor folder, would not be served either.
      const kind = this.look(name);
      if (kind === S_IFDIR || kind === S_IFREG) {
        text += format.row(name, kind === S_IFDIR, status.size, status.mtimeSeconds, this.listed++);
      }
    }
    if (end < folders.length + files.length) return text;
    this.ended = true;
    return text + format.tail(this.listed);
  }

  private isFolder(name: string): boolean {
    return this.look(name) === S_IFDIR;
  }

  /** The type of file that `name` is, links followed as far as the location allows; 0: nothing to see. Fills `status`. */
  private look(name: string): number {
    const { kernel } = this.exchange.services;
    const fd = openWithin(kernel, this.root.fd, this.prefix + name, O_PATH, this.exchange.settings.symlinks);
    if (fd < 0) return 0;
    const n = kernel.fstat(fd, this.status);
    kernel.close(fd);
    return n < 0 ? 0 : this.status.mode & S_IFMT;
  }
}
