/**
 * The resumable uploads of one store. An upload is two files in the staging folder: `<id>.part`, the bytes that came, whose
 * length is the offset and whose time counts for its expiry; and `<id>.json`, what its creation said. Nothing else is kept, so
 * a server that was killed goes on where the bytes end.
 */
import { O_NOFOLLOW, O_PATH, O_RDONLY } from "../../../ffi/abi.ts";
import { ERRNO } from "../../../ffi/errno.ts";
import { FileStatus, type Kernel } from "../../../ffi/kernel.ts";
import { Block } from "../../../ffi/memory.ts";
import type { Settings } from "../../config/model.ts";
import type { Services } from "../handler.ts";
import { Failure, storeFailure } from "./failure.ts";
import type { StagedFile } from "./staged-file.ts";
import type { Staging } from "./staging.ts";
import type { Store } from "./store.ts";
import { pathOf, relativeTarget, type Target } from "./target.ts";
import { isUnderWay } from "./tus-patch.ts";

/** What the creation of an upload said. */
export interface Plan {
  /** Of the whole file, in bytes. */
  readonly length: number;
  readonly target: Target;
  /** The field Upload-Metadata as it came. */
  readonly metadata: string;
}

/** An upload that can go on. */
export interface Upload extends Plan {
  readonly id: string;
  /** Bytes that are there. */
  readonly offset: number;
  /** When it is given up, in seconds since 1970. */
  readonly expires: number;
}

/** An upload that is a file now; only remembered for a client that lost the reply. */
export interface Finished extends Plan {
  /** Where the file is, under which name it was stored. */
  readonly stored: Target;
}

/** How many finished uploads are remembered. */
const MOST_FINISHED = 256;
/** The longest `<id>.json` that could be ours, in bytes. */
const MOST_INFO = 1024 * 1024;

const PART = /^([0-9a-f]{32})\.part$/;
const INFO = /^([0-9a-f]{32})\.json$/;
const partName = (id: string): string => `${id}.part`;
const infoName = (id: string): string => `${id}.json`;

export class TusUploads {
  private readonly kernel: Kernel;
  private readonly status = new FileStatus();
  private readonly finished = new Map<string, Finished>();

  constructor(
    private readonly services: Services,
    private readonly store: Store,
    private readonly settings: Settings,
  ) {
    this.kernel = services.kernel;
  }

  /** Begins an upload of no bytes. */
  create(plan: Plan): Upload | Failure {
    const id = this.services.randomHex(16);
    const part = this.store.stage(partName(id));
    if (part instanceof Failure) return part;
    const refusal = this.writeInfo(part.staging, id, plan);
    if (refusal !== null) {
      part.abort();
      return refusal;
    }
    part.pause();
    return { ...plan, id, offset: 0, expires: this.expiry(this.services.clock.second) };
  }

  /** The upload `id`; null: there is none that could go on. */
  find(id: string): Upload | Failure | null {
    const staging = this.store.staging(false);
    if (staging === null || staging instanceof Failure) return staging;
    const n = this.look(staging, partName(id));
    if (n < 0) return n === -ERRNO.ENOENT ? null : this.storeFailed(n, partName(id));
    const { size: offset, mtimeSeconds } = this.status;
    const expires = this.expiry(mtimeSeconds);
    const plan = expires > this.services.clock.second ? this.readInfo(staging, id) : null;
    if (plan instanceof Failure) return plan;
    if (plan !== null && offset <= plan.length) return { ...plan, id, offset, expires };
    if (plan !== null)
      this.services.log("error", `upload ${id} in "${this.store.path}" is longer than it may be: removed`);
    if (plan !== null || expires <= this.services.clock.second) this.remove(id);
    return null;
  }

  /** The upload `id` as it was when it became a file; undefined: it did not, or long ago. */
  whenFinished(id: string): Finished | undefined {
    return this.finished.get(id);
  }

  /** Opens the bytes of an upload to write on. */
  open({ id }: Upload): StagedFile | Failure {
    const part = this.store.reopen(partName(id));
    return typeof part === "number" ? this.storeFailed(part, partName(id)) : part;
  }

  /** Lets an upload whose last byte is there appear under its name. A failure leaves it as it is. */
  finish(upload: Upload, part: StagedFile): Finished | Failure {
    const { id, length, target, metadata } = upload;
    const { folders, name } = target;
    part.staging.retain(); // of a location that was closed the part may be the last user
    const stored = this.store.appear([{ staged: part, name }], folders, this.settings.uploadOverwrite, true);
    if (!(stored instanceof Failure)) this.kernel.unlink(part.staging.fd, infoName(id));
    part.staging.release();
    if (stored instanceof Failure) return stored;
    return this.remember(id, { length, target, metadata, stored: { folders, name: stored[0]!.name } });
  }

  /** Removes what there is of an upload. False: there is nothing. */
  remove(id: string): boolean {
    const staging = this.store.staging(false);
    if (staging === null || staging instanceof Failure) return false;
    const removed = this.kernel.unlink(staging.fd, partName(id)) >= 0;
    this.kernel.unlink(staging.fd, infoName(id));
    return removed;
  }

  /** Removes what has expired, and what belongs to no upload. */
  sweep(): void {
    const staging = this.store.staging(false);
    const names = staging === null || staging instanceof Failure ? [] : staging.names();
    if (typeof names === "number" || names.length === 0) return;
    const parts = new Set(names.map((name) => PART.exec(name)?.[1]));
    for (const name of names) {
      const id = (PART.exec(name) ?? INFO.exec(name))?.[1];
      if (id === undefined || isUnderWay(this.services, this.store.path, id)) continue;
      if (!parts.has(id) || this.isExpired(staging as Staging, id)) this.remove(id);
    }
  }

  private isExpired(staging: Staging, id: string): boolean {
    return this.look(staging, partName(id)) >= 0 && this.expiry(this.status.mtimeSeconds) <= this.services.clock.second;
  }

  /** When an upload whose last byte came in `second` (since 1970) is given up. */
  expiry(second: number): number {
    return second + Math.ceil(this.settings.uploadResumeLifetime / 1000);
  }

  private remember(id: string, finished: Finished): Finished {
    this.finished.set(id, finished);
    if (this.finished.size > MOST_FINISHED) this.finished.delete(this.finished.keys().next().value!);
    return finished;
  }

  /** In one step: an `<id>.json` is there whole or not at all. */
  private writeInfo(staging: Staging, id: string, { length, target, metadata }: Plan): Failure | null {
    const info = this.store.stage();
    if (info instanceof Failure) return info;
    const bytes = Buffer.from(JSON.stringify({ length, path: pathOf(target), metadata }), "utf8");
    const block = new Block(bytes.length);
    bytes.copy(block.bytes);
    let n = info.write(block, 0, bytes.length);
    if (n >= 0) n = info.finish();
    if (n >= 0) n = this.kernel.rename(staging.fd, info.name, staging.fd, infoName(id), false);
    if (n >= 0) info.pause();
    else info.abort();
    return n < 0 ? this.storeFailed(n, infoName(id)) : null;
  }

  /** null, and a line in the log: there is none that makes sense. */
  private readInfo(staging: Staging, id: string): Plan | Failure | null {
    const text = this.read(staging, infoName(id));
    if (typeof text === "number" && text !== -ERRNO.ENOENT) return this.storeFailed(text, infoName(id));
    const plan = typeof text === "number" ? null : this.parse(text);
    if (plan !== null) return plan;
    const why = typeof text === "number" ? "is missing" : "is damaged";
    this.services.log("error", `upload ${id} in "${this.store.path}" can't go on: its description ${why}`);
    return null;
  }

  private parse(text: string): Plan | null {
    try {
      const { length, path, metadata } = JSON.parse(text) as Record<string, unknown>;
      if (!Number.isSafeInteger(length) || (length as number) < 0) return null;
      if (typeof path !== "string" || typeof metadata !== "string") return null;
      const target = relativeTarget(this.settings, path);
      return target === null || target.name === "" ? null : { length: length as number, target, metadata };
    } catch {
      return null;
    }
  }

  private read(staging: Staging, name: string): string | number {
    const fd = this.kernel.openBeneath(staging.fd, name, O_RDONLY | O_NOFOLLOW, 0, "deny");
    if (fd < 0) return fd;
    let n = this.kernel.fstat(fd, this.status);
    const { size } = this.status;
    const block = new Block(Math.max(1, Math.min(size, MOST_INFO)));
    let length = 0;
    for (let more = n >= 0; more && length < block.bytes.length; more = n > 0) {
      n = this.kernel.read(fd, block, length, block.bytes.length - length, length);
      if (n > 0) length += n;
    }
    this.kernel.close(fd);
    return n < 0 ? n : block.bytes.utf8Slice(0, length);
  }

  /** Fills `status`. */
  private look(staging: Staging, name: string): number {
    const fd = this.kernel.openBeneath(staging.fd, name, O_PATH | O_NOFOLLOW, 0, "deny");
    if (fd < 0) return fd;
    const n = this.kernel.fstat(fd, this.status);
    this.kernel.close(fd);
    return n;
  }

  private storeFailed(error: number, name: string): Failure {
    return storeFailure(error, `opening "${name}" in upload store "${this.store.path}"`);
  }
}
