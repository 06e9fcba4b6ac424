/** What COPY and MOVE have in common: from where, to where, and whether that may be (RFC 4918 §9.8, §9.9; nginx's order of checks). */
import { AT_FDCWD } from "../../../../ffi/abi.ts";
import { ERRNO } from "../../../../ffi/errno.ts";
import type { Kernel } from "../../../../ffi/kernel.ts";
import type { Exchange } from "../../../exchange/exchange.ts";
import { Failure } from "../../upload/failure.ts";
import type { Target } from "../../upload/target.ts";
import { outside, outsideWithin } from "../bounds.ts";
import { type Depth, depthOf, destinationOf, overwriteOf } from "../fields.ts";
import type { DavLocation } from "../location.ts";
import type { Kind, Resource } from "../resource.ts";
import { missing } from "./delete.ts";

export interface Transfer {
  readonly source: Resource;
  readonly kind: Kind;
  readonly target: Resource;
  /** The target's names. */
  readonly names: Target;
  /** What is at the target: it is replaced; null: nothing. A link is a file. */
  readonly there: Kind | null;
  readonly overwrites: boolean;
  readonly depth: Depth;
}

/** The transfer that a request asks for; a Failure: it cannot be. */
export function transferOf(exchange: Exchange, dav: DavLocation): Transfer | Failure {
  const path = destinationOf(exchange);
  if (path instanceof Failure) return path;
  const unlike = exchange.path.endsWith("/") !== path.endsWith("/");
  if (unlike && !dav.isLenient)
    return new Failure(409, '"Destination" must be a folder like the source, or a file like it', "info");
  const depth = depthOf(exchange, "infinity");
  if (depth instanceof Failure) return depth;
  if (depth === 1 || (depth === 0 && exchange.method === "MOVE"))
    return new Failure(400, '"Depth" header must be infinity, or 0 for COPY', "info");
  const overwrites = overwriteOf(exchange);
  if (overwrites instanceof Failure) return overwrites;
  const source = dav.resource(exchange);
  const target = dav.creatable(exchange, path);
  if (source instanceof Failure) return source;
  if (target instanceof Failure) return target;
  const names = target.target();
  return names instanceof Failure ? names : between(exchange, dav, { source, target, names, depth, overwrites });
}

function between(exchange: Exchange, dav: DavLocation, asked: Omit<Transfer, "kind" | "there">): Transfer | Failure {
  const { source, target, overwrites } = asked;
  const there = entryAt(dav.services.kernel, target);
  if (there instanceof Failure) return there;
  if (there !== null && !overwrites) return new Failure(412, `"${target.filename}" exists`, "info");
  const kind = source.look();
  if (typeof kind !== "string") return missing(source, kind);
  const transfer = { ...asked, kind, there };
  return misfit(transfer, dav) ?? tangle(dav.services.kernel, transfer) ?? barrier(exchange, transfer) ?? transfer;
}

/** What has the target's name; links are not followed. null: nothing, or there is no folder for it. */
function entryAt(kernel: Kernel, target: Resource): Kind | null | Failure {
  const parent = target.openParent();
  if (parent === -ERRNO.ENOENT) return null;
  if (parent < 0) return target.failed("open", parent);
  const entry = target.entry(parent);
  kernel.close(parent);
  if (typeof entry === "string" || entry === -ERRNO.ENOENT) return typeof entry === "string" ? entry : null;
  return target.failed("open", entry);
}

/** As in nginx, folders' paths end with a slash, and those of files do not (the statuses are its, too). */
function misfit({ source, kind, target, there }: Transfer, dav: DavLocation): Failure | null {
  if (source.isTop || target.isTop)
    return new Failure(403, "the folder of the location itself is neither copied nor moved", "info");
  if (dav.isLenient) return null;
  if (kind === "folder" && !source.hasSlash) return new Failure(400, `"${source.filename}" is a folder`, "info");
  if (there === "folder" && !target.hasSlash) return new Failure(409, `"${target.filename}" is a folder`, "info");
  return null;
}

/** Nothing is copied or moved to itself, a folder not into itself, and nothing replaces a folder that it is in. */
function tangle(kernel: Kernel, { source, target, there }: Transfer): Failure | null {
  const from = realName(kernel, source);
  const to = realName(kernel, target);
  const isTangled = from === to || to.startsWith(`${from}/`) || (there === "folder" && from.startsWith(`${to}/`));
  return isTangled ? new Failure(403, `"${from}" and "${to}" are one, or in each other`, "info") : null;
}

/** The absolute name with the links in the folders above followed. */
function realName(kernel: Kernel, resource: Resource): string {
  const parent = resource.openParent();
  if (parent < 0) return resource.filename;
  const into: string[] = [];
  const n = kernel.readlink(AT_FDCWD, `/proc/self/fd/${parent}`, into);
  kernel.close(parent);
  return n < 0 ? resource.filename : `${into[0] === "/" ? "" : into[0]}/${resource.name}`;
}

/** Whether another location is for the target, or for a part of one of both folders, and refuses. */
function barrier(exchange: Exchange, { source, kind, target, there }: Transfer): Failure | null {
  const { method } = exchange;
  const within = (path: string): Failure | null => outsideWithin(exchange, path, method);
  return (
    outside(exchange, target.path, method) ??
    (kind === "folder" ? (within(source.path) ?? within(target.path)) : null) ??
    (there === "folder" ? within(target.path) : null)
  );
}
