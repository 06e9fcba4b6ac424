/** MKCOL: makes a folder (RFC 4918 §9.3). */
import { ERRNO } from "../../../../ffi/errno.ts";
import type { Exchange } from "../../../exchange/exchange.ts";
import { encodePath } from "../../../http/request/target.ts";
import { locationTo } from "../../redirect.ts";
import { makeFolder } from "../../upload/destination.ts";
import { Failure } from "../../upload/failure.ts";
import type { DavLocation } from "../location.ts";
import type { Resource } from "../resource.ts";
import { folderMode } from "../stores.ts";

export function makeCollection(exchange: Exchange, dav: DavLocation): void {
  const resource = dav.creatable(exchange);
  if (resource instanceof Failure) return resource.reply(exchange);
  const refusal = refusalOf(resource, dav);
  if (refusal !== null) return refusal.reply(exchange);
  if (!dav.permits(exchange, resource, false, [{ resource, what: "add" }])) return;
  const n = make(dav, resource);
  if (n < 0) return failureOf(resource, n).reply(exchange);
  dav.services.files.changed();
  exchange.reply(201, [["Location", locationTo(exchange, encodePath(exchange.path))]], null);
}

function refusalOf(resource: Resource, dav: DavLocation): Failure | null {
  if (!resource.hasSlash && !dav.isLenient) return new Failure(409, "MKCOL can create a collection only", "info");
  const there = resource.look();
  if (there instanceof Failure) return there;
  if (typeof there === "string") return new Failure(405);
  const target = resource.target();
  return target instanceof Failure ? target : null;
}

function make({ services, settings }: DavLocation, resource: Resource): number {
  const parent = resource.openParent();
  if (parent < 0) return parent;
  const n = makeFolder(services.kernel, parent, resource.name, folderMode(settings.davAccess));
  services.kernel.close(parent);
  return n;
}

/** What exists is 405, a missing folder above 409, as in nginx. */
function failureOf(resource: Resource, error: number): Failure {
  if (error === -ERRNO.EEXIST) return new Failure(405);
  const failed = resource.failed("mkdir", error);
  return failed.status === 404 ? new Failure(409, failed.reason, "info") : failed;
}
