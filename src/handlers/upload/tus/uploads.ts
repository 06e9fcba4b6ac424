/**
 * The resumable uploads of one store. An upload is two files in the staging folder: `<id>.part`, the bytes that came, whose
 * length is the offset and whose time counts for its expiry; and `<id>.json`, what its creation said. Nothing else is kept, so
 * a server that was killed goes on where the bytes end.
 */
import { ERRNO } from "../../../../ffi/errno.ts";
import { FileStatus, type Kernel } from "../../../../ffi/kernel.ts";
import type { Settings } from "../../../config/model.ts";
import { STAGING } from "../../../config/parts.ts";
import type { HandlerServices } from "../../services.ts";
import { Failure, storeFailure } from "../failure.ts";
import type { StagedFile } from "../staged-file.ts";
import type { Staging } from "../staging.ts";
import type { Store } from "../store.ts";
import { pathOf, relativeTarget, type Target } from "../target.ts";
import { MOST_UNFINISHED, type UploadActivity } from "./activity.ts";
import { type Description, infoName, lookAtPart, partName, readDescription } from "./description.ts";
import { type Finished, FinishedUploads } from "./finished.ts";
import { removeInPieces } from "./large-work.ts";
import { writeDescription } from "./write-description.ts";

/** What the creation of an upload said. */
export interface Plan {
  /** Of the whole file, in bytes; null: the client has not said yet. */
  readonly length: number | null;
  /** Where the file goes; of a partial upload, which never is a file, it is not used. */
  readonly target: Target;
  /** The field Upload-Metadata as it came. */
  readonly metadata: string;
  /** How long after its last byte it can be resumed, in seconds. */
  readonly lifetime: number;
  /** "partial": its bytes become a part of a file. "": it is a file. */
  readonly concat: "" | "partial";
}

/** An upload that can go on. */
export interface Upload extends Plan {
  readonly id: string;
  /** Bytes that are there and count. */
  readonly offset: number;
  /** It is written down that no more bytes count than these: a PATCH whose checksum was to be checked broke off. */
  readonly limited: boolean;
  /** When it is given up, in seconds since 1970. */
  readonly expires: number;
}

/** What a client that finds the store full of unfinished uploads is told to wait, in seconds: they are swept so often. */
const RETRY_AFTER = "60";

export class TusUploads {
  private readonly kernel: Kernel;
  private readonly status = new FileStatus();
  private readonly finished: FinishedUploads;
  /** That of the last sweep. */
  private swept: UploadActivity | null = null;

  constructor(
    private readonly services: HandlerServices,
    private readonly store: Store,
    private readonly settings: Settings,
  ) {
    this.kernel = services.kernel;
    this.finished = new FinishedUploads(store);
  }

  /** Begins an upload of no bytes. */
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

  /** Makes an upload of the bytes of a staged file, which are its first ones. A failure leaves nothing. */
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

  /** The upload `id`; null: there is none that could go on. */
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

  /** The upload `id` as it was when it became a file; null: it did not, or long ago, or the file is no more: then it has to be sent again. */
  whenFinished(id: string): Finished | null {
    return this.finished.find(id);
  }

  /** Opens the bytes of an upload to write on. Another server may have them open, or have gone on with them since `find`. */
  open({ id, offset }: Upload): StagedFile | Failure {
    const part = this.store.reopen(partName(id));
    if (part instanceof Failure) return part;
    if (part === -ERRNO.EAGAIN) {
      return new Failure(423, `upload ${id} in "${this.store.path}" is being sent through another server`);
    }
    if (part === -ERRNO.ENOENT) return new Failure(404);
    if (typeof part === "number") return this.failed("open()", part, partName(id));
    if (part.size === offset) return part;
    return this.withoutUnverified(id, offset, part);
  }

  /** A server that was killed leaves bytes whose checksum nobody has looked at. */
  private withoutUnverified(id: string, offset: number, part: StagedFile): StagedFile | Failure {
    const found = readDescription(this.kernel, part.staging, id);
    const isOurs = typeof found !== "number" && found?.verified === offset && part.size > offset;
    const n = isOurs ? part.truncate(offset) : 0;
    if (isOurs && n >= 0) return part;
    part.pause();
    return n < 0 ? this.failed("truncate()", n, partName(id)) : new Failure(409);
  }

  /** Writes down what is known of an upload. @param verified bytes that count while more come; null: all count */
  note(upload: Upload, part: StagedFile, verified: number | null): Failure | null {
    return this.describe(part.staging, upload.id, upload, verified);
  }

  /** Lets an upload whose last byte is there appear under its name. A failure leaves it as it is. */
  finish(upload: Upload, part: StagedFile): Finished | Failure {
    const { staging } = part;
    staging.retain(); // of a location that was closed the part may be the last user
    const finished = this.publish(upload, upload.id, part);
    if (!(finished instanceof Failure)) this.forget(staging, upload.id);
    staging.release();
    return finished;
  }

  /**
   * Lets a whole file that has no description appear under its name: it came with its creation, or was made of partial uploads.
   * A failure leaves it as it is. @param concat the field Upload-Concat; "": it was not made of others
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

  /** Removes what there is of an upload, but for the file that it has become. False: there is nothing. */
  remove(id: string): boolean {
    if (this.finished.forget(id)) return true;
    const staging = this.store.staging(false);
    return staging !== null && !(staging instanceof Failure) && this.removeIn(staging, id);
  }

  /** The same for one that is in a staging folder. */
  removeIn(staging: Staging, id: string): boolean {
    const removed = removeInPieces(this.kernel, this.services.uploads.large, staging.fd, partName(id)) >= 0;
    if (removed) this.forget(staging, id);
    else this.kernel.unlink(staging.fd, infoName(id));
    return removed;
  }

  /** Ends the request that uses the upload in this server, if one does. */
  takeOver(id: string): void {
    this.activity()?.takeOver(id);
  }

  /** Why no upload can begin now; null: one can. */
  full(): Failure | null {
    if (this.activity()?.isFull !== true) return null;
    const reason = `no upload begun in "${this.store.path}": ${MOST_UNFINISHED} are unfinished`;
    return new Failure(503, reason, "error", [["Retry-After", RETRY_AFTER]]);
  }

  /** Begins to remove what has expired, and what belongs to no upload. */
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

  /** null: there is nothing in the store to be told of. */
  private activity(): UploadActivity | null {
    const staging = this.store.staging(false);
    return staging === null || staging instanceof Failure ? null : this.services.uploads.in(staging);
  }

  /** Its part is no more. */
  private forget(staging: Staging, id: string): void {
    this.kernel.unlink(staging.fd, infoName(id));
    this.services.uploads.in(staging).count(-1);
  }

  /** What is written down of an upload; null, and a line in the log: there is nothing that makes sense. */
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
