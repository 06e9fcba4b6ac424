/** MOVE: gives a file, a link, or a folder with all within another name (RFC 4918 §9.9). */
import { ERRNO } from "../../../../ffi/errno.ts";
import type { Exchange } from "../../../exchange/exchange.ts";
import type { Destination } from "../../upload/destination.ts";
import { Failure } from "../../upload/failure.ts";
import type { DavLocation } from "../location.ts";
import { removeAll, replyAbout } from "./delete.ts";
import { type Transfer, transferOf } from "./transfer.ts";
import { inTurns, type Work } from "./turns.ts";

export function move(exchange: Exchange, dav: DavLocation): void {
  const transfer = transferOf(exchange, dav);
  if (transfer instanceof Failure) return transfer.reply(exchange);
  const { source, target, there } = transfer;
  const changes = [
    { resource: source, what: "remove" },
    { resource: target, what: there === null ? "add" : "remove" },
  ] as const;
  if (!dav.permits(exchange, source, true, changes)) return;
  inTurns(exchange, dav.services.uploads.large, moveOne(exchange, dav, transfer));
}

function* moveOne(exchange: Exchange, dav: DavLocation, transfer: Transfer): Work {
  // As in nginx, the folders that a file's new path lacks are made.
  const into = destinationFor(transfer, transfer.kind === "file");
  if (into instanceof Failure) return () => into.reply(exchange);
  try {
    const lasting = yield* makeRoom(dav, transfer);
    if (lasting !== null) return replyAbout(exchange, transfer.target, lasting);
    const failed = rename(dav, transfer, into);
    if (failed !== null) return () => failed.reply(exchange);
    dav.gone(transfer.source);
    return () => replyTransferred(exchange, transfer);
  } finally {
    into.close();
    dav.services.files.changed();
  }
}

/** Opens the target's folder; `make` creates it if it is missing. 409: it is missing. */
export function destinationFor({ target, names }: Transfer, make: boolean): Destination | Failure {
  const into = target.store.destination(names.folders, make);
  return into instanceof Failure && into.status === 404 ? new Failure(409, into.reason, "info") : into;
}

/** Removes what rename(2) would not replace: a folder, or what a folder is to replace. null: there is room. */
export function* makeRoom(dav: DavLocation, { kind, target, there }: Transfer): ReturnType<typeof removeAll> {
  return there === "folder" || (there !== null && kind === "folder") ? yield* removeAll(dav, target) : null;
}

function rename(dav: DavLocation, transfer: Transfer, into: Destination): Failure | null {
  const { source, target } = transfer;
  const { kernel } = dav.services;
  const from = source.openParent();
  if (from < 0) return source.failed("open", from);
  const n = kernel.rename(from, source.name, into.fd, target.name, replaces(transfer));
  kernel.close(from);
  return n < 0 ? renameFailure(transfer, n) : null;
}

/** A folder replaces nothing but an empty folder in any case, and link(2), which may stand in for rename(2) here, takes none. */
export const replaces = ({ kind, overwrites }: Transfer): boolean => overwrites || kind === "folder";

/** What has come to be there meanwhile is not replaced. */
export function renameFailure({ target, overwrites }: Transfer, error: number): Failure {
  const isTaken = error === -ERRNO.EEXIST || error === -ERRNO.ENOTEMPTY || error === -ERRNO.ENOTDIR;
  if (isTaken && !overwrites) return new Failure(412, `"${target.filename}" exists`, "info");
  return target.failed("rename", error);
}

/** nginx's statuses: 201 for a folder, 204 for a file, whether something was replaced or not. */
export function replyTransferred(exchange: Exchange, { kind }: Transfer): void {
  exchange.reply(kind === "folder" ? 201 : 204, [], null);
}
