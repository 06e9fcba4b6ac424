/** What handlers and exchanges of one server share. */
import type { Kernel } from "../../ffi/kernel.ts";
import { Block } from "../../ffi/memory.ts";
import type { LogLevel } from "../config/model.ts";
import type { Services } from "../handlers/handler.ts";
import { SessionRegistry } from "../handlers/session/registry.ts";
import type { ServerClock } from "./clock.ts";

export class ServerServices implements Services {
  fileEpoch = 0;
  readonly sessions = new SessionRegistry();
  private readonly random = new Block(64);

  constructor(
    readonly kernel: Kernel,
    readonly clock: ServerClock,
    /** The Server field's value where `server_tokens` is on. */
    readonly serverToken: string,
    private readonly write: (level: LogLevel, message: string) => void,
  ) {}

  log(level: LogLevel, message: string): void {
    this.write(level, message);
  }

  /** `bytes` (at most 64) random bytes as hexadecimal digits. */
  randomHex(bytes: number): string {
    this.kernel.getrandom(this.random, 0, bytes);
    return this.random.bytes.toString("hex", 0, bytes);
  }
}
