/** A compressed form of a file, complete or still being made, with its kept reply. */
import { O_RDWR, O_TMPFILE } from "../../../ffi/abi.ts";
import type { Kernel } from "../../../ffi/kernel.ts";
import { Block } from "../../../ffi/memory.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import type { ReplyBody } from "../../exchange/reply.ts";
import type { FileForm } from "../compression/file-form.ts";
import type { KeptReply } from "./kept-reply.ts";
import { SharedFile } from "./open.ts";

/** A folder of a file system in memory. Where it is missing or full, forms are sent from the memory of the process. */
const MEMORY = "/dev/shm";

export class MadeForm {
  kept: KeptReply | null = null;
  /** What follows `kept`, which then is a head alone; null: `kept` is the whole reply. */
  file: SharedFile | null = null;

  constructor(readonly form: FileForm) {}

  /** Sends the kept reply, which is there. */
  send(exchange: Exchange): void {
    this.kept!.send(exchange, this.file === null || exchange.method === "HEAD" ? null : this.rest(this.file));
  }

  private rest(file: SharedFile): ReplyBody {
    const length = this.form.bytesOut;
    file.retain();
    return { kind: "pieces", pieces: [{ file, position: 0, length }], length };
  }

  /** Gives up its file. False: it has none. */
  close(): boolean {
    if (this.file === null) return false;
    this.file.release();
    this.file = null;
    return true;
  }
}

/** Puts bytes into a file without a name, in memory, from which sendfile(2) sends them. Null: that is not possible. */
export function unnamedFile(kernel: Kernel, bytes: Buffer): SharedFile | null {
  const fd = kernel.open(MEMORY, O_TMPFILE | O_RDWR, 0o600);
  if (fd < 0) return null;
  const file = new SharedFile(kernel, fd);
  const block = new Block(bytes.length);
  bytes.copy(block.bytes);
  if (kernel.write(fd, block, 0, bytes.length) === bytes.length) return file;
  file.release();
  return null;
}

/** Used instead of a form: the file is sent as it is, or compressed for each client. */
export const AS_IT_IS = "as it is";
export const EACH_TIME = "each time";
