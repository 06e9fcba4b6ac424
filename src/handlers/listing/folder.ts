/** A folder in the view of one location: which names are shown, and what kind of file each is. */
import { O_DIRECTORY, O_PATH, O_RDONLY, S_IFDIR, S_IFMT } from "../../../ffi/abi.ts";
import { FileStatus, type Kernel } from "../../../ffi/kernel.ts";
import type { Location } from "../../config/model.ts";
import type { Place } from "../../exchange/place.ts";
import { isHiddenName } from "../files/hidden.ts";
import { openWithin, type SharedFile } from "../files/open.ts";

export class Folder {
  /** The same for all requests that see the same names; unique within the server. */
  readonly key: string;
  /** Filled by `look`. */
  readonly status = new FileStatus();
  private readonly prefix: string;

  /** @param root the folder that contains `place`; a user that keeps the Folder retains it */
  constructor(
    private readonly kernel: Kernel,
    private readonly location: Location,
    private readonly place: Place,
    readonly root: SharedFile,
  ) {
    this.key = `${location.id}\0${place.root}\0${place.path}`;
    this.prefix = place.path === "." ? "" : place.path.replace(/\/*$/, "/");
  }

  /** A descriptor for reading its names, or -errno. */
  open(): number {
    const { symlinks } = this.location.settings;
    return openWithin(this.kernel, this.root.fd, this.place.path, O_RDONLY | O_DIRECTORY, symlinks);
  }

  /** Whether the location shows names like this one. */
  shows(name: string): boolean {
    const { dotfiles, nginxReplies } = this.location.settings;
    return !isHiddenName(name, nginxReplies ? "deny" : dotfiles);
  }

  /** Whether `name` is a folder, following links as far as the location allows. */
  isFolder(name: string): boolean {
    return this.look(name) === S_IFDIR;
  }

  /** The file type of `name`, following links as far as the location allows; 0: not accessible. Fills `status`. */
  look(name: string): number {
    const { kernel } = this;
    const fd = openWithin(kernel, this.root.fd, this.prefix + name, O_PATH, this.location.settings.symlinks);
    if (fd < 0) return 0;
    const n = kernel.fstat(fd, this.status);
    kernel.close(fd);
    return n < 0 ? 0 : this.status.mode & S_IFMT;
  }
}
