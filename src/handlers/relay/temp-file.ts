/** A temporary file: bytes are appended to it and read from any position. Without a name it vanishes when it is closed. */
import { AT_FDCWD, O_CREAT, O_EXCL, O_NOFOLLOW, O_RDONLY, O_WRONLY } from "../../../ffi/abi.ts";
import type { Block } from "../../../ffi/memory.ts";
import type { Services } from "../../exchange/services.ts";

/** The default of `client_body_temp_path` and `proxy_temp_path`. */
export const TEMP_FOLDER = "/tmp";

export class TempFile {
  /** A descriptor that reads the file, at first from its start; -1: it is not open. */
  fd = -1;
  /** Bytes in it. */
  length = 0;
  /** "": it has none. */
  name = "";
  private writer = -1;

  constructor(private readonly services: Services) {}

  /** Makes the file in `folder`, opens it twice, for writing and for reading, and removes its name unless it is to keep one. 0, or -errno. */
  open(folder: string, keepsName = false): number {
    const { kernel } = this.services;
    const name = `${folder}/${keepsName ? "" : "."}webserv-${this.services.randomHex(16)}`;
    this.writer = kernel.open(name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    if (this.writer < 0) return this.writer;
    this.fd = kernel.open(name, O_RDONLY | O_NOFOLLOW, 0);
    if (keepsName) this.name = name;
    else kernel.unlink(AT_FDCWD, name);
    return Math.min(0, this.fd);
  }

  /** Appends block[offset, offset + length). Bytes written, perhaps fewer; -errno. */
  writeSome(block: Block, offset: number, length: number): number {
    const n = this.services.kernel.write(this.writer, block, offset, length);
    if (n > 0) this.length += n;
    return n;
  }

  /** Appends block[start, end). 0; -errno: only a part of it was written, see `length`. */
  write(block: Block, start: number, end: number): number {
    for (let at = start; at < end; ) {
      const n = this.writeSome(block, at, end - at);
      if (n < 0) return n;
      at += n;
    }
    return 0;
  }

  /** Nothing more will be written. */
  closeWriter(): void {
    if (this.writer >= 0) this.services.kernel.close(this.writer);
    this.writer = -1;
  }

  close(): void {
    this.closeWriter();
    if (this.fd >= 0) this.services.kernel.close(this.fd);
    this.fd = -1;
  }
}
