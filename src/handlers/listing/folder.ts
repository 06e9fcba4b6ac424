/** A folder as one location shows it: which names, and what each is. */
import { O_DIRECTORY, O_PATH, O_RDONLY, S_IFDIR, S_IFMT } from "../../../ffi/abi.ts";
import { FileStatus, type Kernel } from "../../../ffi/kernel.ts";
import type { Location } from "../../config/model.ts";
import type { Place } from "../../exchange/place.ts";
import { isHiddenName } from "../files/hidden.ts";
import { openWithin, type SharedFile } from "../files/open.ts";

export class Folder {
  /** The same for everyone who sees the same names; unique within the server. */
  readonly key: string;
  /** Filled by `look`. */
  readonly status = new FileStatus();
  private readonly prefix: string;

  /** @param root the folder that `place` is beneath; whoever keeps the Folder retains it */
  constructor(
    private readonly kernel: Kernel,
    private readonly location: Location,
    private readonly place: Place,
    readonly root: SharedFile,
  ) {
    this.key = `${location.id}\0${place.root}\0${place.path}`;
    this.prefix = place.path === "." ? "" : place.path.replace(/\/*$/, "/");
  }

  /** A descriptor to read its names, or -errno. */
  open(): number {
    const { symlinks } = this.location.settings;
    return openWithin(this.kernel, this.root.fd, this.place.path, O_RDONLY | O_DIRECTORY, symlinks);
  }

  /** Whether names like this one are shown at all. */
  shows(name: string): boolean {
    return !isHiddenName(name, this.location.settings.dotfiles);
  }

  /** Whether `name` is a folder, links followed as far as the location allows. */
  isFolder(name: string): boolean {
    return this.look(name) === S_IFDIR;
  }

  /** The type of file that `name` is, links followed as far as the location allows; 0: nothing to see. Fills `status`. */
  look(name: string): number {
    const { kernel } = this;
    const fd = openWithin(kernel, this.root.fd, this.prefix + name, O_PATH, this.location.settings.symlinks);
    if (fd < 0) return 0;
    const n = kernel.fstat(fd, this.status);
    kernel.close(fd);
    return n < 0 ? 0 : this.status.mode & S_IFMT;
  }
}
