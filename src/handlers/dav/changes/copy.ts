/** COPY: a file, or a folder with all within (RFC 4918 §9.8). The copy gets its name when it is complete. */
import { O_DIRECTORY, O_RDONLY } from "../../../../ffi/abi.ts";
import { ERRNO } from "../../../../ffi/errno.ts";
import { FileStatus } from "../../../../ffi/kernel.ts";
import type { Exchange } from "../../../exchange/exchange.ts";
import { isHiddenName } from "../../files/hidden.ts";
import { openWithin } from "../../files/open.ts";
import { TreeCopy } from "../../large/tree-copy.ts";
import type { Destination } from "../../upload/destination.ts";
import { Failure, failure } from "../../upload/failure.ts";
import type { StagedFile } from "../../upload/staged-file.ts";
import type { DavLocation } from "../location.ts";
import { copyDead } from "../properties/dead.ts";
import type { Resource } from "../resource.ts";
import { replyAbout } from "./delete.ts";
import { destinationFor, makeRoom, renameFailure, replaces, replyTransferred } from "./move.ts";
import { StagedFolder } from "./staged-folder.ts";
import { type Transfer, transferOf } from "./transfer.ts";
import { inTurns, type Reply, type Work } from "./turns.ts";

/** Bytes of a file that are copied in one turn of the loop: a few milliseconds on a slow disk. */
const BYTES_PER_TURN = 1024 * 1024;

export function copy(exchange: Exchange, dav: DavLocation): void {
  const transfer = transferOf(exchange, dav);
  if (transfer instanceof Failure) return transfer.reply(exchange);
  const { source, target, there, kind } = transfer;
  if (!dav.permits(exchange, source, true, [{ resource: target, what: changeOf(there, kind) }])) return;
  const work = kind === "file" ? copyFile(exchange, dav, transfer) : copyFolder(exchange, dav, transfer);
  inTurns(exchange, dav.services.uploads.large, work);
}

const changeOf = (there: Transfer["there"], kind: Transfer["kind"]): "add" | "write" | "remove" =>
  there === null ? "add" : there === "file" && kind === "file" ? "write" : "remove";

function* copyFile(exchange: Exchange, dav: DavLocation, transfer: Transfer): Work {
  const into = destinationFor(transfer, false);
  if (into instanceof Failure) return () => into.reply(exchange);
  const staged = transfer.target.store.stage();
  try {
    if (staged instanceof Failure) return () => staged.reply(exchange);
    const failed = yield* fill(dav, transfer.source, staged);
    if (failed !== null) return () => failed.reply(exchange);
    const lasting = yield* makeRoom(dav, transfer);
    if (lasting !== null) return replyAbout(exchange, transfer.target, lasting);
    const stored = staged.commit(into, transfer.target.name, transfer.overwrites ? "replace" : "refuse");
    return typeof stored === "number"
      ? () => renameFailure(transfer, stored).reply(exchange)
      : () => replyTransferred(exchange, transfer);
  } finally {
    into.close();
    if (!(staged instanceof Failure)) staged.abort();
  }
}

/** Copies a file's bytes, its permissions and its time, as nginx does. null: all is copied. */
function* fill({ services }: DavLocation, source: Resource, staged: StagedFile): Generator<void, Failure | null> {
  const { kernel } = services;
  const fd = source.open(O_RDONLY);
  if (fd < 0) return source.failed("open", fd);
  try {
    const status = new FileStatus();
    const looked = kernel.fstat(fd, status);
    if (looked < 0) return source.failed("fstat", looked);
    staged.expect(status.size);
    for (let position = 0, room = BYTES_PER_TURN; ; ) {
      const n = staged.copy(fd, position, room);
      if (n < 0) return failure(n, `sendfile() from "${source.filename}"`);
      if (n === 0) break;
      position += n;
      room -= n;
      if (room > 0) continue;
      room = BYTES_PER_TURN;
      yield;
    }
    copyDead(kernel, fd, staged.descriptor);
    staged.mode = status.mode & 0o777;
    staged.date(status.mtimeSeconds, status.mtimeNanoseconds);
    return null;
  } finally {
    kernel.close(fd);
  }
}

function* copyFolder(exchange: Exchange, dav: DavLocation, transfer: Transfer): Work {
  const into = destinationFor(transfer, false);
  if (into instanceof Failure) return () => into.reply(exchange);
  const staged = StagedFolder.make(dav, transfer.target.store);
  try {
    if (staged instanceof Failure) return () => staged.reply(exchange);
    const failed = yield* fillFolder(dav, transfer, staged);
    if (failed !== null) return () => failed.reply(exchange);
    const lasting = yield* makeRoom(dav, transfer);
    return lasting === null
      ? publish(exchange, transfer, staged, into)
      : replyAbout(exchange, transfer.target, lasting);
  } finally {
    into.close();
    if (!(staged instanceof Failure)) staged.end();
    dav.services.files.changed();
  }
}

function publish(exchange: Exchange, transfer: Transfer, staged: StagedFolder, into: Destination): Reply {
  const n = staged.publish(into.fd, transfer.target.name, replaces(transfer));
  return () => (n < 0 ? renameFailure(transfer, n).reply(exchange) : replyTransferred(exchange, transfer));
}

/** Fills a staged folder with what clients see in the source; with `Depth: 0` with nothing. null: all is copied. */
function* fillFolder(dav: DavLocation, transfer: Transfer, staged: StagedFolder): Generator<void, Failure | null> {
  const { kernel } = dav.services;
  const { source, depth } = transfer;
  const target = staged.open();
  if (target < 0) return source.failed("open", target);
  const top = source.open(O_RDONLY | O_DIRECTORY);
  if (top < 0) {
    kernel.close(target);
    return source.failed("open", top);
  }
  const { dotfiles } = dav.settings;
  const hides = (name: string): boolean => depth === 0 || isHiddenName(name, dotfiles);
  const work = new TreeCopy(kernel, top, target, hides, {
    openLinked: (path) => openLinked(dav, source, path),
    copyAttributes: (from, to) => copyDead(kernel, from, to),
  });
  try {
    let n = work.step();
    for (; n > 0; n = work.step()) yield;
    return n < 0 ? failure(n, `copying "${source.filename}/${work.failedAt}"`) : null;
  } finally {
    work.close();
  }
}

/** Opens what a link within a folder leads to, as GET would. */
function openLinked({ services, settings }: DavLocation, source: Resource, path: string): number {
  const root = source.store.folder();
  if (root instanceof Failure) return -ERRNO.ENOENT;
  return openWithin(services.kernel, root.fd, `${source.file}/${path}`, O_RDONLY, settings.symlinks);
}
