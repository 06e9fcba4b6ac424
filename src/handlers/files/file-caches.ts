/** State shared by the file caches of one server: the limits, and notifications that the server itself has changed files. */

/** A cache that is notified of changes. */
export interface FileHolder {
  /** Closes every descriptor of a file: the file may have been removed, and its space is freed only then. */
  dropFiles(): void;
}

export class FileCaches {
  /** Bytes of file contents in memory. */
  bytes = 0;
  /** Number of descriptors of files. */
  files = 0;
  /** Incremented by each change; entries checked before it are checked again. */
  epoch = 0;
  private readonly holders = new Set<FileHolder>();

  add(holder: FileHolder): void {
    this.holders.add(holder);
  }

  remove(holder: FileHolder): void {
    this.holders.delete(holder);
  }

  /** Called when others (a script) may have changed files: entries are checked again. */
  mayHaveChanged(): void {
    this.epoch++;
  }

  /** Called when the server has created, replaced or removed a file. */
  changed(): void {
    this.epoch++;
    if (this.files > 0) for (const holder of this.holders) holder.dropFiles();
  }
}
