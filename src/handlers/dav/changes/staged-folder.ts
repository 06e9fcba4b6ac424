/** A folder that is filled in the staging folder of a store, and gets its name when it is complete. */
import { O_DIRECTORY, O_NOFOLLOW, O_PATH, O_RDONLY } from "../../../../ffi/abi.ts";
import type { LargeWork } from "../../large/large-work.ts";
import { TreeRemoval } from "../../large/tree-removal.ts";
import type { HandlerServices } from "../../services.ts";
import { Failure, storeFailure } from "../../upload/failure.ts";
import type { Staging } from "../../upload/staging.ts";
import type { Store } from "../../upload/store.ts";

/** Who stops what goes on without a client. */
interface Background {
  readonly services: HandlerServices;
  begin(work: { stop(): void }): void;
  end(work: { stop(): void }): void;
}

export class StagedFolder {
  private isPublished = false;

  private constructor(
    private readonly background: Background,
    private readonly staging: Staging,
    private readonly name: string,
  ) {
    staging.retain();
  }

  /** Makes an empty one. `end` must be called. */
  static make(background: Background, store: Store): StagedFolder | Failure {
    const staging = store.staging(true);
    if (staging instanceof Failure) return staging;
    if (staging === null) return new Failure(500);
    const name = staging.nextName();
    const { kernel } = background.services;
    const n = typeof name === "number" ? name : kernel.mkdir(staging.fd, name, 0o700);
    return n < 0 || typeof name === "number"
      ? storeFailure(n, `mkdir() in the staging folder of "${store.path}"`)
      : new StagedFolder(background, staging, name);
  }

  /** A descriptor to read it, or -errno. */
  open(): number {
    return this.background.services.kernel.openBeneath(
      this.staging.fd,
      this.name,
      O_RDONLY | O_DIRECTORY | O_NOFOLLOW,
      0,
      "deny",
    );
  }

  /** Moves it to its name. 0 or -errno. */
  publish(folder: number, name: string, replace: boolean): number {
    const n = this.background.services.kernel.rename(this.staging.fd, this.name, folder, name, replace);
    this.isPublished = n >= 0;
    return n;
  }

  /** If it was not published, it is removed while other requests are served. */
  end(): void {
    if (this.isPublished) return this.staging.release();
    new Cleaning(this.background, this.staging, this.name).start();
  }
}

/** Removes a folder in the staging folder. If it is stopped, the next start of a server removes the rest. */
class Cleaning implements LargeWork {
  private removal: TreeRemoval | null = null;

  constructor(
    private readonly background: Background,
    private readonly staging: Staging,
    private readonly name: string,
  ) {}

  start(): void {
    const { kernel, uploads } = this.background.services;
    const top = kernel.openBeneath(this.staging.fd, this.name, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0, "deny");
    if (top < 0) return this.staging.release();
    this.removal = new TreeRemoval(kernel, uploads.large, top, () => false);
    this.background.begin(this);
    uploads.large.add(this);
  }

  step(): boolean {
    if (this.removal === null || this.removal.step()) return this.removal !== null;
    this.removal = null;
    this.background.services.kernel.rmdir(this.staging.fd, this.name);
    this.end();
    return false;
  }

  stop(): void {
    if (this.removal === null) return;
    this.removal.stop();
    this.removal = null;
    this.end();
  }

  crash(): void {
    this.stop();
  }

  private end(): void {
    this.background.end(this);
    this.staging.release();
  }
}
