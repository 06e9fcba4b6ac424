/** The ids of `userid` (ngx_http_userid_filter_module). */
import { parseAddress } from "../../../ffi/inet.ts";

const BYTES = 16;
/** nginx's sequences of the last part. */
const FIRST_V1 = 1;
const FIRST = 0x03030302;
const STEP = 0x100;

/** What makes the ids of a server differ. */
export class UserIdSequence {
  private v1 = FIRST_V1;
  private v2 = FIRST;

  /** @param start by chance, so that no two starts of the server give the same ids */
  constructor(private readonly start: number) {}

  /** @param service null: 0 for `v1`, else the server's address */
  next(form: "v1" | "on", service: number | null, address: string, second: number): Buffer {
    const id = Buffer.alloc(BYTES);
    if (form === "v1") {
      id.writeUInt32LE(service ?? 0, 0);
      for (const [at, part] of [second, this.start, this.v1].entries()) id.writeUInt32LE(part >>> 0, 4 * at + 4);
      this.v1 = (this.v1 + STEP) >>> 0;
      return id;
    }
    if (service !== null) id.writeUInt32BE(service, 0);
    else id.set((parseAddress(address) ?? [0, 0, 0, 0]).slice(-4), 0);
    for (const [at, part] of [second, this.start, this.v2].entries()) id.writeUInt32BE(part >>> 0, 4 * at + 4);
    this.v2 = Math.max(FIRST, (this.v2 + STEP) >>> 0);
    return id;
  }
}

/** The ids of one request. */
export class UserIds {
  /** The id that the reply sets; null: none. */
  set: Buffer | null = null;

  /** @param cookie its value @param got the id in it; null: none, or a bad one */
  constructor(
    readonly cookie: string,
    readonly got: Buffer | null,
  ) {}
}
