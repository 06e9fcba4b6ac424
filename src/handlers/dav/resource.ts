/** What a request's path, or its Destination, names: a file or a folder beneath the location's root, or a place for one. */
import { O_DIRECTORY, O_NOFOLLOW, O_PATH, S_IFDIR, S_IFMT, S_IFREG } from "../../../ffi/abi.ts";
import { ERRNO } from "../../../ffi/errno.ts";
import { FileStatus, type Kernel } from "../../../ffi/kernel.ts";
import type { Settings } from "../../config/model.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import { filename, place } from "../../exchange/place.ts";
import { isHidden } from "../files/hidden.ts";
import { changing, openWithin, type SharedFile, statWithin } from "../files/open.ts";
import { Failure, failure } from "../upload/failure.ts";
import type { Store } from "../upload/store.ts";
import { relativeTarget, type Target } from "../upload/target.ts";
import type { DavStores } from "./stores.ts";

/** The kinds of what there may be. */
export type Kind = "file" | "folder";

export class Resource {
  /** Filled by `look`. */
  readonly status = new FileStatus();

  constructor(
    private readonly kernel: Kernel,
    readonly settings: Settings,
    /** The URI's path, decoded. */
    readonly path: string,
    readonly store: Store,
    /** Relative to the store's folder, without a slash at the end; "." is that folder. */
    readonly file: string,
  ) {}

  /** Whether the path says that it is a folder. */
  get hasSlash(): boolean {
    return this.path.endsWith("/");
  }

  /** Whether it is the folder of the location itself. */
  get isTop(): boolean {
    const { aliasPrefix } = this.settings;
    return this.file === "." || (aliasPrefix !== null && slashless(this.path) === slashless(aliasPrefix));
  }

  /** The file's absolute name, the same for every URI that leads to it (except through links). For messages, and as the key of locks. */
  get filename(): string {
    return filename({ root: this.store.path, path: this.file });
  }

  /** The last component. */
  get name(): string {
    return this.file.slice(this.file.lastIndexOf("/") + 1);
  }

  /** The folder that has it, relative to the store's. */
  private get parent(): string {
    const cut = this.file.lastIndexOf("/");
    return cut < 0 ? "." : this.file.slice(0, cut);
  }

  /** Its names, if a client may create it; a Failure: there must not be such a file. */
  target(): Target | Failure {
    const target = this.isTop ? null : relativeTarget(this.settings, this.file);
    return target ?? new Failure(403, `no client may create "${this.filename}"`, "info");
  }

  /** What is there, as GET sees it, or -errno: -ENXIO for neither file nor folder, -ENOTDIR for a file whose path ends with a slash. */
  look(): Kind | number | Failure {
    const root = this.store.folder();
    if (root instanceof Failure) return root;
    const n = statWithin(this.kernel, root.fd, this.file, this.settings.symlinks, this.status);
    if (n < 0) return n;
    const type = this.status.mode & S_IFMT;
    if (type === S_IFDIR) return "folder";
    if (type !== S_IFREG) return -ERRNO.ENXIO;
    return this.hasSlash ? -ERRNO.ENOTDIR : "file";
  }

  /** What has its name in `parent` (from `openParent`), a link or whatever is no folder being a file; or -errno. */
  entry(parent: number): Kind | number {
    const fd = this.kernel.openBeneath(parent, this.name, O_PATH | O_NOFOLLOW, 0, "deny");
    if (fd < 0) return fd === -ERRNO.ELOOP ? "file" : fd; // openat2 refuses to open links here
    const status = new FileStatus();
    const n = this.kernel.fstat(fd, status);
    this.kernel.close(fd);
    return n < 0 ? n : (status.mode & S_IFMT) === S_IFDIR ? "folder" : "file";
  }

  /** Opens it; links never lead out of the store's folder. A descriptor or -errno. */
  open(flags: number): number {
    return this.within((root) => openWithin(this.kernel, root.fd, this.file, flags, changing(this.settings.symlinks)));
  }

  /** Opens the folder that has it, for changes there. A descriptor or -errno. */
  openParent(): number {
    return this.within((root) =>
      openWithin(this.kernel, root.fd, this.parent, O_PATH | O_DIRECTORY, changing(this.settings.symlinks)),
    );
  }

  private within(open: (root: SharedFile) => number): number {
    const root = this.store.folder();
    return root instanceof Failure ? -ERRNO.ENOENT : open(root);
  }

  /** The failure of a system call on it. */
  failed(call: string, error: number): Failure {
    return failure(error, `${call}() "${this.filename}"`);
  }
}

const slashless = (path: string): string => path.replace(/\/+$/, "");

/** The resource of a decoded path in the request's location; a Failure: clients do not see such paths. */
export function resourceAt(exchange: Exchange, stores: DavStores, path: string): Resource | Failure {
  const { settings, services } = exchange;
  if (isHidden(path, settings.dotfiles)) return new Failure(404, `"${path}" is hidden`, "info");
  const found = place(settings, path, exchange);
  if (found === null) return new Failure(404);
  const file = found.path.replace(/\/+$/, "") || ".";
  return new Resource(services.kernel, settings, path, stores.at(found.root), file);
}
