/** What the file caches of one server share: what they may hold together, and the news that the server itself changed files. */

/** A cache that hears of changes. */
export interface FileHolder {
  /** Gives back every descriptor of a file, for it may be that of one which is gone, whose space it would keep from being free. */
  dropFiles(): void;
}

export class FileCaches {
  /** Bytes of files in memory. */
  bytes = 0;
  /** Descriptors of files. */
  files = 0;
  /** Another number after each change: what is known from before is looked at again. */
  epoch = 0;
  private readonly holders = new Set<FileHolder>();

  add(holder: FileHolder): void {
    this.holders.add(holder);
  }

  remove(holder: FileHolder): void {
    this.holders.delete(holder);
  }

  /** Others may have changed files on the server's behalf (a script): what is known is looked at again. */
  doubt(): void {
    this.epoch++;
  }

  /** The server has made, replaced or removed a file. */
  changed(): void {
    this.epoch++;
    if (this.files > 0) for (const holder of this.holders) holder.dropFiles();
  }
}
