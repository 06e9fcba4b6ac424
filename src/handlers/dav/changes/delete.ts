/** DELETE: removes a file, or a folder with all within (RFC 4918 §9.6). */
import { O_DIRECTORY, O_NOFOLLOW, O_PATH } from "../../../../ffi/abi.ts";
import { ERRNO } from "../../../../ffi/errno.ts";
import type { Exchange } from "../../../exchange/exchange.ts";
import { isHiddenName } from "../../files/hidden.ts";
import { removeInPieces } from "../../large/large-work.ts";
import { type Lasting, TreeRemoval } from "../../large/tree-removal.ts";
import { Failure } from "../../upload/failure.ts";
import { outsideWithin } from "../bounds.ts";
import { depthOf } from "../fields.ts";
import type { DavLocation } from "../location.ts";
import { replyLasting } from "../replies.ts";
import type { Kind, Resource } from "../resource.ts";
import { inTurns, type Reply, type Work } from "./turns.ts";

export function remove(exchange: Exchange, dav: DavLocation): void {
  if (isShallow(exchange))
    return new Failure(409, `insufficient URI depth to DELETE "${exchange.path}"`, "info").reply(exchange);
  const resource = dav.resource(exchange);
  if (resource instanceof Failure) return resource.reply(exchange);
  const there = resource.look();
  if (typeof there !== "string") return missing(resource, there).reply(exchange);
  const refusal = refusalOf(exchange, dav, resource, there);
  if (refusal !== null) return refusal.reply(exchange);
  if (!dav.permits(exchange, resource, true, [{ resource, what: "remove" }])) return;
  inTurns(exchange, dav.services.uploads.large, removeOne(exchange, dav, resource));
}

function isShallow({ path, settings }: Exchange): boolean {
  const names = path.split("/").filter((name) => name !== "");
  return settings.minDeleteDepth > 0 && names.length < settings.minDeleteDepth;
}

/** The failure to find a resource that a request is about. A file is no folder, so its path has no slash (409, as in nginx). */
export function missing(resource: Resource, there: number | Failure): Failure {
  if (there instanceof Failure) return there;
  if (there === -ERRNO.ENOTDIR) return new Failure(409, `"${resource.filename}" is no folder`, "info");
  const failed = resource.failed("open", there);
  return failed.status < 500 ? new Failure(failed.status, failed.reason, "info") : failed;
}

function refusalOf(exchange: Exchange, dav: DavLocation, resource: Resource, there: Kind): Failure | null {
  const { path } = exchange;
  if (there === "folder" && !resource.hasSlash && !dav.isLenient)
    return new Failure(409, `DELETE of the folder "${resource.filename}" without a slash`, "info");
  const depth = depthOf(exchange, "infinity");
  if (depth instanceof Failure) return depth;
  if (depth !== "infinity" && (there === "folder" || depth === 1))
    return new Failure(400, `"Depth" header must be ${there === "file" ? "0 or " : ""}infinity`, "info");
  if (resource.isTop) return new Failure(403, "the folder of the location itself cannot be removed", "info");
  return there === "folder" ? outsideWithin(exchange, path, "DELETE") : null;
}

function* removeOne(exchange: Exchange, dav: DavLocation, resource: Resource): Work {
  const result = yield* removeAll(dav, resource);
  return result === null ? () => exchange.reply(204, [], null) : replyAbout(exchange, resource, result);
}

/** The reply about what `removeAll` could not remove. */
export const replyAbout =
  (exchange: Exchange, resource: Resource, result: Failure | readonly Lasting[]): Reply =>
  () => {
    if (result instanceof Failure) result.reply(exchange);
    else replyLasting(exchange, resource.path, result);
  };

/**
 * Removes a file, a link, or a folder with all within. null: it is gone; else why not, or what of the folder could not be removed: that stays.
 */
export function* removeAll(dav: DavLocation, resource: Resource): Generator<void, Failure | readonly Lasting[] | null> {
  const { kernel, files } = dav.services;
  const parent = resource.openParent();
  if (parent < 0) return resource.failed("open", parent);
  try {
    const top = kernel.openBeneath(parent, resource.name, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0, "deny");
    const isFolder = top >= 0;
    if (!isFolder && top !== -ERRNO.ENOTDIR && top !== -ERRNO.ELOOP) return resource.failed("open", top);
    const lasting = isFolder ? yield* empty(dav, top) : [];
    if (lasting.length > 0) return lasting;
    const n = isFolder
      ? kernel.rmdir(parent, resource.name)
      : removeInPieces(kernel, dav.services.uploads.large, parent, resource.name);
    if (n < 0) return resource.failed(isFolder ? "rmdir" : "unlink", n);
    dav.gone(resource);
    return null;
  } finally {
    kernel.close(parent);
    files.changed();
  }
}

/** Removes what is in a folder, whose descriptor it closes. */
function* empty({ services, settings }: DavLocation, top: number): Generator<void, readonly Lasting[]> {
  const { kernel, files, uploads } = services;
  const removal = new TreeRemoval(kernel, uploads.large, top, (name) => isHiddenName(name, settings.dotfiles));
  let isOver = false;
  try {
    while (removal.step()) {
      files.changed();
      yield;
    }
    isOver = true;
    return removal.lasting;
  } finally {
    if (!isOver) removal.stop();
  }
}
