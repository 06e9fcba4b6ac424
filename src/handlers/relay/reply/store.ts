/** `proxy_store` and its siblings: keeps a copy of complete replies as files, so that later a location without `*_pass` can serve them. */
import { AT_FDCWD, O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } from "../../../../ffi/abi.ts";
import { ERRNO, errnoText } from "../../../../ffi/errno.ts";
import type { Block } from "../../../../ffi/memory.ts";
import type { FamilySettings } from "../../../config/gateway.ts";
import type { Exchange } from "../../../exchange/exchange.ts";
import { filename, place } from "../../../exchange/place.ts";
import { evaluate } from "../../../exchange/templates.ts";
import type { HandlerServices } from "../../services.ts";
import type { ReplyWatcher, UpstreamHead } from "../watcher.ts";
import { validatorsIn } from "./validators.ts";

/** Stores the reply to a GET with status 200, as `*_store` says; null: this one is not stored. */
export function storeOf(
  exchange: Exchange,
  { status, fields, hasBody }: UpstreamHead,
  settings: FamilySettings,
  services: HandlerServices,
): ReplyWatcher | null {
  const { store, storeAccess } = settings;
  if (store === null || status !== 200 || exchange.method !== "GET" || !hasBody) return null;
  const where = store === "on" ? place(exchange.settings, exchange.path, exchange) : null;
  const path = store === "on" ? (where === null ? "" : filename(where)) : evaluate(store, exchange);
  if (!path.startsWith("/") || path.endsWith("/") || path.includes("/../")) return null;
  const { mtimeSeconds } = validatorsIn(fields, services.clock.second);
  return new StoredReply(services, path, storeAccess, mtimeSeconds);
}

class StoredReply implements ReplyWatcher {
  readonly wantsAll = true;
  /** Beside the file: renaming is atomic only within a file system. Hidden, so it is not served. */
  private readonly temporary: string;
  private fd: number;
  private failed = false;

  constructor(
    private readonly services: HandlerServices,
    private readonly path: string,
    private readonly access: number,
    /** Seconds since 1970, for the file; null: not known. */
    private readonly modified: number | null,
  ) {
    const { folder } = this;
    this.temporary = `${folder}/.webserv-${services.randomHex(16)}`;
    this.fd = this.open();
    if (this.fd === -ERRNO.ENOENT && this.makeFolder(folder)) this.fd = this.open();
    if (this.fd < 0) this.fail(this.fd);
  }

  private get folder(): string {
    return this.path.slice(0, this.path.lastIndexOf("/"));
  }

  private open(): number {
    return this.services.kernel.open(this.temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  }

  /** Makes a folder and those above it. Who may read the file may enter them, as in nginx. */
  private makeFolder(folder: string): boolean {
    if (folder === "") return true;
    const mode = this.access | ((this.access & 0o444) >> 2);
    const n = this.services.kernel.mkdir(AT_FDCWD, folder, mode);
    if (n !== -ERRNO.ENOENT) return n >= 0 || n === -ERRNO.EEXIST;
    return (
      this.makeFolder(folder.slice(0, folder.lastIndexOf("/"))) &&
      this.services.kernel.mkdir(AT_FDCWD, folder, mode) >= 0
    );
  }

  onBody(block: Block, start: number, end: number): void {
    for (let at = start; at < end && !this.failed; ) {
      const n = this.services.kernel.write(this.fd, block, at, end - at);
      if (n < 0) this.fail(n);
      else at += n;
    }
  }

  onEnd(whole: boolean): void {
    if (this.failed) return;
    const { kernel } = this.services;
    if (!whole) return this.remove();
    let n = kernel.fchmod(this.fd, this.access);
    if (n >= 0 && this.modified !== null) n = kernel.futimens(this.fd, this.modified, 0);
    if (n >= 0) n = kernel.rename(AT_FDCWD, this.temporary, AT_FDCWD, this.path, true);
    if (n < 0) return this.fail(n);
    kernel.close(this.fd);
    this.services.files.mayHaveChanged();
  }

  private fail(error: number): void {
    this.failed = true;
    this.services.log("crit", `a reply could not be stored as "${this.path}" (${errnoText(error)})`);
    if (this.fd >= 0) this.remove();
  }

  private remove(): void {
    this.services.kernel.unlink(AT_FDCWD, this.temporary);
    this.services.kernel.close(this.fd);
  }
}
