/**
 * The resumable uploads of one store. An upload is two files in the staging folder: `<id>.part`, the bytes that came, whose
 * length is the offset and whose time counts for its expiry; and `<id>.json`, what its creation said. Nothing else is kept, so
 * a server that was killed goes on where the bytes end.
 */
import { ERRNO } from "../../../../ffi/errno.ts";
import { FileStatus, type Kernel } from "../../../../ffi/kernel.ts";
import type { Settings } from "../../../config/model.ts";
import { STAGING } from "../../../config/parts.ts";
import { etagOf } from "../../files/file-reply.ts";
import type { HandlerServices } from "../../services.ts";
import { Failure, storeFailure } from "../failure.ts";
import type { StagedFile } from "../staged-file.ts";
import type { Staging } from "../staging.ts";
import type { Store } from "../store.ts";
import { pathOf, relativeTarget, type Target } from "../target.ts";
import { MOST_UNFINISHED, type UploadActivity } from "./activity.ts";
import { type Description, infoName, lookAtPart, partName, readDescription } from "./description.ts";
import { writeDescription } from "./write-description.ts";

/** What the creation of an upload said. */
export interface Plan {
  /** Of the whole file, in bytes. */
  readonly length: number;
  readonly target: Target;
  /** The field Upload-Metadata as it came. */
  readonly metadata: string;
  /** How long after its last byte it can be resumed, in seconds. */
  readonly lifetime: number;
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
  /** All bytes. */
  readonly offset: number;
  /** Where the file is, under which name it was stored. */
  readonly stored: Target;
  /** The file's entity tag; "": not known. */
  readonly version: string;
}

/** How many finished uploads are remembered. */
const MOST_FINISHED = 256;
/** What a client that finds the store full of unfinished uploads is told to wait, in seconds: they are swept so often. */
const RETRY_AFTER = "60";

export class TusUploads {
  private readonly kernel: Kernel;
  private readonly status = new FileStatus();
  private readonly finished = new Map<string, Finished>();
  /** That of the last sweep. */
  private swept: UploadActivity | null = null;

  constructor(
    private readonly services: HandlerServices,
    private readonly store: Store,
    private readonly settings: Settings,
  ) {
    this.kernel = services.kernel;
  }

  /** Begins an upload of no bytes. */
  create(plan: Plan): Upload | Failure {
    if (this.activity()?.isFull) return this.tooMany();
    const id = this.services.randomHex(16);
    const part = this.store.stage(partName(id));
    if (part instanceof Failure) return part;
    const { length, target, metadata, lifetime } = plan;
    const description = { length, path: pathOf(target), metadata, lifetime };
    const refusal = writeDescription(this.kernel, this.store, part.staging, id, description);
    if (refusal !== null) {
      part.abort();
      return refusal;
    }
    this.services.uploads.in(part.staging).count(1);
    part.pause();
    return { ...plan, id, offset: 0, expires: this.services.clock.second + lifetime };
  }

  /** The upload `id`; null: there is none that could go on. */
  find(id: string): Upload | Failure | null {
    const staging = this.store.staging(false);
    if (staging === null || staging instanceof Failure) return staging;
    const n = lookAtPart(this.kernel, staging, id, this.status);
    if (n < 0) return n === -ERRNO.ENOENT ? null : this.failed("open()", n, partName(id));
    const { size: offset, mtimeSeconds } = this.status;
    const plan = this.plan(staging, id);
    if (plan === null || plan instanceof Failure) return plan;
    const expires = mtimeSeconds + plan.lifetime;
    const isYoung = expires > this.services.clock.second;
    if (isYoung && offset <= plan.length) return { ...plan, id, offset, expires };
    if (isYoung) this.services.log("error", `upload ${id} in "${this.store.path}" is longer than it may be: removed`);
    this.remove(id);
    return null;
  }

  /** The upload `id` as it was when it became a file; null: it did not, or long ago, or the file is no more: then it has to be sent again. */
  whenFinished(id: string): Finished | null {
    const found = this.finished.get(id);
    return found !== undefined && this.isThere(found) ? found : null;
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
    part.pause();
    return new Failure(409);
  }

  /** Lets an upload whose last byte is there appear under its name. A failure leaves it as it is. */
  finish(upload: Upload, part: StagedFile): Finished | Failure {
    const { id, length, target, metadata, lifetime } = upload;
    const { folders, name } = target;
    const version = part.version();
    part.staging.retain(); // of a location that was closed the part may be the last user
    const stored = this.store.appear([{ staged: part, name }], folders, this.settings.uploadOverwrite, true);
    if (!(stored instanceof Failure)) this.forget(part.staging, id);
    part.staging.release();
    if (stored instanceof Failure) return stored;
    const at = { folders, name: stored[0]!.name };
    return this.remember(id, { length, target, metadata, lifetime, offset: length, stored: at, version });
  }

  private isThere({ stored, version }: Finished): boolean {
    return this.store.look(pathOf(stored), this.status) === 0 && etagOf(this.status) === version;
  }

  /** Removes what there is of an upload, but for the file that it has become. False: there is nothing. */
  remove(id: string): boolean {
    if (this.finished.delete(id)) return true;
    const staging = this.store.staging(false);
    if (staging === null || staging instanceof Failure) return false;
    const removed = this.kernel.unlink(staging.fd, partName(id)) >= 0;
    if (removed) this.forget(staging, id);
    else this.kernel.unlink(staging.fd, infoName(id));
    return removed;
  }

  /** Ends the PATCH of the upload that is under way in this server, if one is. */
  takeOver(id: string): void {
    this.activity()?.takeOver(id);
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

  /** null: there is nothing in the store to be told of. */
  private activity(): UploadActivity | null {
    const staging = this.store.staging(false);
    return staging === null || staging instanceof Failure ? null : this.services.uploads.in(staging);
  }

  private tooMany(): Failure {
    const reason = `no upload begun in "${this.store.path}": ${MOST_UNFINISHED} are unfinished`;
    return new Failure(503, reason, "error", [["Retry-After", RETRY_AFTER]]);
  }

  /** Its part is no more. */
  private forget(staging: Staging, id: string): void {
    this.kernel.unlink(staging.fd, infoName(id));
    this.services.uploads.in(staging).count(-1);
  }

  private remember(id: string, finished: Finished): Finished {
    this.finished.set(id, finished);
    if (this.finished.size > MOST_FINISHED) this.finished.delete(this.finished.keys().next().value!);
    return finished;
  }

  /** What the upload's description says; null, and a line in the log: there is none that makes sense. */
  private plan(staging: Staging, id: string): Plan | Failure | null {
    const found = readDescription(this.kernel, staging, id);
    if (typeof found === "number" && found !== -ERRNO.ENOENT) return this.failed("read()", found, infoName(id));
    const target = typeof found === "number" || found === null ? null : relativeTarget(this.settings, found.path);
    if (target !== null && target.name !== "") return { ...(found as Description), target };
    const why = typeof found === "number" ? "is missing" : "is damaged";
    this.services.log("error", `upload ${id} in "${this.store.path}" can't go on: its description ${why}`);
    return null;
  }

  private failed(call: string, error: number, name: string): Failure {
    return storeFailure(error, `${call} "${this.store.path}/${STAGING}/${name}"`);
  }
}
