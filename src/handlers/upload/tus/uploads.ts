/**
 * The resumable uploads of one store. An upload is two files in the staging folder. `<id>.part` has the received bytes: its length
 * is the offset, and the upload expires by its modification time. `<id>.json` has the data of the creation. There is no other
 * state, so a server that was killed continues at the last byte.
 */
import { ERRNO } from "../../../../ffi/errno.ts";
import { FileStatus, type Kernel } from "../../../../ffi/kernel.ts";
import type { Settings } from "../../../config/model.ts";
import { STAGING } from "../../../config/parts.ts";
import { removeInPieces } from "../../large/large-work.ts";
import type { HandlerServices } from "../../services.ts";
import { Failure, storeFailure } from "../failure.ts";
import type { StagedFile } from "../staged-file.ts";
import type { Staging } from "../staging.ts";
import type { Store } from "../store.ts";
import { pathOf, relativeTarget, type Target } from "../target.ts";
import { MOST_UNFINISHED, type UploadActivity } from "./activity.ts";
import { type Description, infoName, lookAtPart, partName, readDescription } from "./description.ts";
import { type Finished, FinishedUploads } from "./finished.ts";
import { writeDescription } from "./write-description.ts";

/** The data of an upload's creation. */
export interface Plan {
  /** Length of the whole file in bytes; null: the client has not sent it yet. */
  readonly length: number | null;
  /** Target of the file. Not used for a partial upload, which is never published. */
  readonly target: Target;
  /** The field Upload-Metadata, unchanged. */
  readonly metadata: string;
  /** How long after its last byte it can be resumed, in seconds. */
  readonly lifetime: number;
  /** "partial": a partial upload, for a concatenation. "": the upload becomes a file itself. */
  readonly concat: "" | "partial";
}

/** An unfinished upload that can be resumed. */
export interface Upload extends Plan {
  readonly id: string;
  /** Number of valid bytes. */
  readonly offset: number;
  /** The description says how many bytes are valid, because a PATCH with a checksum was interrupted. */
  readonly limited: boolean;
  /** When it expires, in seconds since 1970. */
  readonly expires: number;
}

/** Retry-After if the store has too many unfinished uploads, in seconds: the interval of sweeps. */
const RETRY_AFTER = "60";

export class TusUploads {
  private readonly kernel: Kernel;
  private readonly status = new FileStatus();
  private readonly finished: FinishedUploads;
  /** The uploads that were swept last. */
  private swept: UploadActivity | null = null;

  constructor(
    private readonly services: HandlerServices,
    private readonly store: Store,
    private readonly settings: Settings,
  ) {
    this.kernel = services.kernel;
    this.finished = new FinishedUploads(store);
  }

  /** Creates an upload without bytes. */
  create(plan: Plan): Upload | Failure {
    const full = this.full();
    if (full !== null) return full;
    const id = this.services.randomHex(16);
    const part = this.store.stage(partName(id));
    if (part instanceof Failure) return part;
    const refusal = this.describe(part.staging, id, plan, null);
    if (refusal !== null) {
      part.abort();
      return refusal;
    }
    this.services.uploads.in(part.staging).count(1);
    part.pause();
    return this.upload(plan, id, 0);
  }

  /** Creates an upload whose first bytes are in a staged file. After a failure nothing is left. */
  keep(plan: Plan, part: StagedFile): Upload | Failure {
    const id = this.services.randomHex(16);
    const { staging, size } = part;
    staging.retain();
    const n = part.keep(partName(id));
    const refusal = n < 0 ? this.failed("rename() to", n, partName(id)) : this.describe(staging, id, plan, null);
    if (n < 0) part.abort();
    else if (refusal !== null) this.kernel.unlink(staging.fd, partName(id));
    else this.services.uploads.in(staging).count(1);
    staging.release();
    return refusal ?? this.upload(plan, id, size);
  }

  /** The upload `id`; null: there is none that can be resumed. */
  find(id: string): Upload | Failure | null {
    const staging = this.store.staging(false);
    if (staging === null || staging instanceof Failure) return staging;
    const n = lookAtPart(this.kernel, staging, id, this.status);
    if (n < 0) return n === -ERRNO.ENOENT ? null : this.failed("open()", n, partName(id));
    const { size, mtimeSeconds } = this.status;
    const description = this.description(staging, id);
    if (description === null || description instanceof Failure) return description;
    const { verified, ...plan } = description;
    const offset = Math.min(size, verified ?? size);
    const expires = mtimeSeconds + plan.lifetime;
    const isYoung = expires > this.services.clock.second;
    if (isYoung && offset <= (plan.length ?? offset))
      return { ...plan, id, offset, limited: verified !== null, expires };
    if (isYoung) this.services.log("error", `upload ${id} in "${this.store.path}" is longer than it may be: removed`);
    this.remove(id);
    return null;
  }

  /** The finished upload `id`. null: it is unknown or forgotten, or its file was removed or changed; the client must upload again. */
  findFinished(id: string): Finished | null {
    return this.finished.find(id);
  }

  /**
   * Opens an upload's part to append to it. 423: another server has it locked; 404 or 409: another server has finished or
   * changed it since `find`.
   */
  open({ id, offset }: Upload): StagedFile | Failure {
    const part = this.store.reopen(partName(id));
    if (part instanceof Failure) return part;
    if (part === -ERRNO.EAGAIN) {
      return new Failure(423, `upload ${id} in "${this.store.path}" is being sent through another server`);
    }
    if (part === -ERRNO.ENOENT) return new Failure(404);
    if (typeof part === "number") return this.failed("open()", part, partName(id));
    if (part.size === offset) return part;
    return this.truncateUnverified(id, offset, part);
  }

  /** Truncates bytes that were never verified by their checksum, because the server was killed during a PATCH. 409: the length has another reason. */
  private truncateUnverified(id: string, offset: number, part: StagedFile): StagedFile | Failure {
    const found = readDescription(this.kernel, part.staging, id);
    const isOurs = typeof found !== "number" && found?.verified === offset && part.size > offset;
    const n = isOurs ? part.truncate(offset) : 0;
    if (isOurs && n >= 0) return part;
    part.pause();
    return n < 0 ? this.failed("truncate()", n, partName(id)) : new Failure(409);
  }

  /** Replaces the description of an upload. @param verified number of valid bytes while a PATCH adds more; null: all are valid */
  update(upload: Upload, part: StagedFile, verified: number | null): Failure | null {
    return this.describe(part.staging, upload.id, upload, verified);
  }

  /** Publishes the file of a complete upload. After a failure the upload is unchanged. */
  finish(upload: Upload, part: StagedFile): Finished | Failure {
    const { staging } = part;
    staging.retain(); // if the location was closed, only the part retains the folder
    const finished = this.publish(upload, upload.id, part);
    if (!(finished instanceof Failure)) this.removeDescription(staging, upload.id);
    staging.release();
    return finished;
  }

  /**
   * Publishes a complete file, also one without a description: all its bytes came with the creation, or it is a concatenation.
   * After a failure the file is unchanged. @param concat the field Upload-Concat; "": not a concatenation
   */
  publish({ target, metadata }: Plan, id: string, part: StagedFile, concat = ""): Finished | Failure {
    const { folders, name } = target;
    const version = part.version();
    const { size } = part;
    const stored = this.store.publish([{ staged: part, name }], folders, this.settings.uploadOverwrite, true);
    if (stored instanceof Failure) return stored;
    const at = { folders, name: stored[0]!.name };
    return this.finished.remember(id, { offset: size, length: size, metadata, concat, stored: at, version });
  }

  /** Removes an unfinished upload, or forgets a finished one without removing its file. False: there is no such upload. */
  remove(id: string): boolean {
    if (this.finished.forget(id)) return true;
    const staging = this.store.staging(false);
    return staging !== null && !(staging instanceof Failure) && this.removeIn(staging, id);
  }

  /** Removes the files of an unfinished upload in a staging folder. False: it has no part. */
  removeIn(staging: Staging, id: string): boolean {
    const removed = removeInPieces(this.kernel, this.services.uploads.large, staging.fd, partName(id)) >= 0;
    if (removed) this.removeDescription(staging, id);
    else this.kernel.unlink(staging.fd, infoName(id));
    return removed;
  }

  /** Ends the request in this server that uses the upload, if there is one. */
  interrupt(id: string): void {
    this.activity()?.interrupt(id);
  }

  /** Why no upload can be created now; null: one can. */
  full(): Failure | null {
    if (this.activity()?.isFull !== true) return null;
    const reason = `no upload begun in "${this.store.path}": ${MOST_UNFINISHED} are unfinished`;
    return new Failure(503, reason, "error", [["Retry-After", RETRY_AFTER]]);
  }

  /** Begins to remove expired uploads, and files that belong to no upload. */
  sweep(): void {
    const staging = this.store.staging(false);
    if (staging === null || staging instanceof Failure) return;
    this.swept = this.services.uploads.in(staging);
    this.swept.sweep(staging, this);
  }

  close(): void {
    this.swept?.stop(this);
  }

  private upload(plan: Plan, id: string, offset: number): Upload {
    return { ...plan, id, offset, limited: false, expires: this.services.clock.second + plan.lifetime };
  }

  private describe(staging: Staging, id: string, plan: Plan, verified: number | null): Failure | null {
    const { length, target, metadata, lifetime, concat } = plan;
    const description = { length, path: pathOf(target), metadata, lifetime, concat, verified };
    return writeDescription(this.kernel, this.store, staging, id, description);
  }

  /** The activity of the store's uploads; null: the store has no staging folder. */
  private activity(): UploadActivity | null {
    const staging = this.store.staging(false);
    return staging === null || staging instanceof Failure ? null : this.services.uploads.in(staging);
  }

  /** Removes the description of an upload without a part, and counts the upload as ended. */
  private removeDescription(staging: Staging, id: string): void {
    this.kernel.unlink(staging.fd, infoName(id));
    this.services.uploads.in(staging).count(-1);
  }

  /** The description of an upload; null: it is missing or damaged, which is logged. */
  private description(staging: Staging, id: string): (Plan & Pick<Description, "verified">) | Failure | null {
    const found = readDescription(this.kernel, staging, id);
    if (typeof found === "number" && found !== -ERRNO.ENOENT) return this.failed("read()", found, infoName(id));
    if (typeof found !== "number" && found !== null) {
      const { path, ...known } = found;
      const target = relativeTarget(this.settings, path);
      if (target !== null && (target.name !== "" || found.concat === "partial")) return { ...known, target };
    }
    const why = typeof found === "number" ? "is missing" : "is damaged";
    this.services.log("error", `upload ${id} in "${this.store.path}" can't go on: its description ${why}`);
    return null;
  }

  private failed(call: string, error: number, name: string): Failure {
    return storeFailure(error, `${call} "${this.store.path}/${STAGING}/${name}"`);
  }
}
