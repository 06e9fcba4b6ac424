/** PUT: stores the body as the file of the path (RFC 9110 §9.3.4), by the same means as uploads. */
import { O_RDONLY } from "../../../../ffi/abi.ts";
import { ERRNO } from "../../../../ffi/errno.ts";
import type { Exchange } from "../../../exchange/exchange.ts";
import type { Field } from "../../../exchange/reply.ts";
import { parseDate } from "../../../http/reply/date.ts";
import { encodePath } from "../../../http/request/target.ts";
import { locationTo } from "../../redirect.ts";
import { Failure } from "../../upload/failure.ts";
import { FileSink } from "../../upload/put.ts";
import type { StagedFile } from "../../upload/staged-file.ts";
import type { Target } from "../../upload/target.ts";
import type { DavLocation } from "../location.ts";
import { copyDead } from "../properties/dead.ts";
import type { Resource } from "../resource.ts";

/** Makes every check that does not need the body, then gives its sink; undefined: the request was refused. */
export function sinkOfPut(exchange: Exchange, dav: DavLocation): FileSink | undefined {
  const { request, settings } = exchange;
  const resource = dav.creatable(exchange);
  if (resource instanceof Failure) return refuse(exchange, resource);
  if (resource.hasSlash) return refuse(exchange, new Failure(409, "cannot PUT to a collection", "info"));
  // A part of a file would replace the whole file (RFC 9110 §14.5).
  if (request.fieldIndex("content-range") >= 0)
    return refuse(exchange, new Failure(501, "PUT with range is unsupported", "info"));
  const target = resource.target();
  if (target instanceof Failure) return refuse(exchange, target);
  const there = resource.look();
  if (there === "folder") return refuse(exchange, new Failure(409, `"${resource.filename}" is a folder`, "info"));
  const isNew = there === -ERRNO.ENOENT;
  if (there !== "file" && !isNew)
    return refuse(exchange, there instanceof Failure ? there : resource.failed("open", there));
  if (!dav.permits(exchange, resource, !isNew, [{ resource, what: isNew ? "add" : "write" }])) return undefined;
  const lacking = settings.createFullPutPath ? null : lackOf(resource, target);
  return lacking === null ? begin(exchange, dav, resource, target) : refuse(exchange, lacking);
}

function refuse(exchange: Exchange, failure: Failure): undefined {
  failure.reply(exchange);
}

/** Why there is no folder for the file: 409, whatever it is that lacks (RFC 4918 §9.7.1). */
function lackOf({ store }: Resource, { folders }: Target): Failure | null {
  const lacking = store.checkFolder(folders);
  return lacking?.status === 404 ? new Failure(409, lacking.reason, "info") : lacking;
}

function begin(exchange: Exchange, dav: DavLocation, resource: Resource, target: Target): FileSink | undefined {
  const { store } = resource;
  const staged = store.stage();
  if (staged instanceof Failure) return refuse(exchange, staged);
  const { request, settings, services } = exchange;
  staged.expect(request.contentLength);
  const date = parseDate(request.field("date") ?? "", services.clock.second);
  return new FileSink(exchange, store, staged, target, {
    overwrite: "replace",
    makesFolders: settings.createFullPutPath,
    refusal: () => refusalNow(exchange, dav, resource),
    complete() {
      keepProperties(dav, resource, staged);
      if (!Number.isNaN(date)) staged.date(date);
      return Number.isNaN(date) ? versionOf(staged, dav) : [];
    },
    reply(stored, _size, fields) {
      if (!stored.created) return exchange.reply(204, fields, null);
      exchange.reply(201, [["Location", locationTo(exchange, encodePath(exchange.path))], ...fields], null);
    },
  });
}

/** While the body was received, another client may have changed or locked the file. */
function refusalNow(exchange: Exchange, dav: DavLocation, resource: Resource): (() => void) | null {
  const isThere = typeof resource.look() === "string";
  return dav.refusal(exchange, resource, isThere, [{ resource, what: isThere ? "write" : "add" }]);
}

/** What clients have set of the old file, the new one keeps. */
function keepProperties({ services, isLenient }: DavLocation, resource: Resource, staged: StagedFile): void {
  const fd = isLenient ? resource.open(O_RDONLY) : -1;
  if (fd < 0) return;
  copyDead(services.kernel, fd, staged.descriptor);
  services.kernel.close(fd);
}

/** The entity tag, so that the client need not ask for it. With a Date it is not known before the file has its name. */
function versionOf(staged: StagedFile, { settings }: DavLocation): Field[] {
  const etag = settings.etag ? staged.version() : "";
  return etag === "" ? [] : [["ETag", etag]];
}
