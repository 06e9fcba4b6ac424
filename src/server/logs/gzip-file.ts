/** A log file that is compressed: each full buffer becomes a member of a gzip file (RFC 1952), which zcat reads one after the other. */
import type { Kernel } from "../../../ffi/kernel.ts";
import type { LogBuffer } from "../../config/settings/logs.ts";
import { compressWhole } from "../../handlers/compression/compressor.ts";
import { Alarm } from "../../network/timers.ts";
import { LogFile } from "./log-file.ts";
import type { Complain, LogOutput, Schedule } from "./output.ts";

/** Room for a member whose lines cannot be compressed. */
const AT_ONCE = { size: 0, flush: null };

export class GzipFile implements LogOutput {
  private readonly file: LogFile;
  private readonly lines: Buffer;
  private length = 0;
  private readonly alarm = new Alarm(() => this.flush());

  constructor(
    kernel: Kernel,
    readonly name: string,
    complain: Complain,
    private readonly schedule: Schedule,
    private readonly buffer: LogBuffer,
  ) {
    this.file = new LogFile(kernel, name, complain, schedule, AT_ONCE, true);
    this.lines = Buffer.allocUnsafeSlow(buffer.size);
  }

  open(): number {
    this.flush(); // to the old file
    return this.file.open();
  }

  get waits(): boolean {
    return this.file.waits;
  }

  descriptors(): Iterable<number> {
    return this.file.descriptors();
  }

  /** Adds a line, which ends with a line feed; one character per byte. */
  write(line: string): void {
    if (this.length + line.length > this.lines.length) this.flush();
    if (line.length > this.lines.length) return this.compress(Buffer.from(line, "latin1"));
    if (this.length === 0 && this.buffer.flush !== null) this.schedule(this.alarm, this.buffer.flush);
    this.length += this.lines.latin1Write(line, this.length);
  }

  flush(): void {
    const { length } = this;
    this.length = 0; // first: what is told of a failure may be a line of this same file
    if (length > 0) this.compress(Buffer.from(this.lines.subarray(0, length)));
    this.file.flush();
  }

  private compress(lines: Buffer): void {
    this.file.write(compressWhole("gzip", this.buffer.gzip, lines).latin1Slice());
  }

  close(): void {
    this.flush();
    this.file.close();
  }
}
