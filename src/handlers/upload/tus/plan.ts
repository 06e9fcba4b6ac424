/** Reads and checks the request that creates a resumable upload (tus 1.0, "Creation"): the file's length and target. */
import type { Settings } from "../../../config/model.ts";
import type { Exchange } from "../../../exchange/exchange.ts";
import { uploadInteger, uploadMetadata } from "../../../http/tus.ts";
import { outOfBounds } from "../bounds.ts";
import { obstacle } from "../checks.ts";
import { Failure } from "../failure.ts";
import { generatedName, reducedName } from "../names.ts";
import type { Store } from "../store.ts";
import { relativeTarget, requestTarget, type Target } from "../target.ts";
import type { Plan } from "./uploads.ts";

/** Length of the longest file that the location accepts, in bytes. */
export const mostBytes = ({ clientMaxBodySize }: Settings): number => clientMaxBodySize || Number.MAX_SAFE_INTEGER;

/** The plan of a POST that creates an upload, after every check that does not need the body. */
export function planOf(exchange: Exchange, store: Store): Plan | Failure {
  const { request } = exchange;
  const length = plannedLength(request.field("upload-length"), request.field("upload-defer-length"));
  if (length === undefined) return new Failure(400);
  const partial = request.field("upload-concat") === "partial";
  return planFor(exchange, store, length, partial ? "partial" : "");
}

/** The length that the request announces. null: a later request will send it; undefined: the fields are malformed. */
function plannedLength(length: string | undefined, deferred: string | undefined): number | null | undefined {
  if (deferred !== undefined) return deferred === "1" && length === undefined ? null : undefined;
  return uploadInteger(length) ?? undefined;
}

/** The plan of an upload of `length` bytes: an ordinary one, a partial one, or a concatenation. */
export function planFor(
  exchange: Exchange,
  store: Store,
  length: number | null,
  concat: Plan["concat"],
): Plan | Failure {
  const { request, settings } = exchange;
  if (length !== null && length > mostBytes(settings)) return new Failure(413);
  const metadata = request.fieldAll("upload-metadata").join(",");
  const known = uploadMetadata(metadata);
  const asked = requestTarget(settings, exchange.path);
  if (known === null || asked === null) return new Failure(400);
  const target = concat === "partial" ? NO_TARGET : checkedTarget(exchange, store, asked, known);
  if (target instanceof Failure) return target;
  return { length, target, metadata, lifetime: Math.ceil(settings.uploadResumeLifetime / 1000), concat };
}

/** Target of a partial upload, which is never published. */
const NO_TARGET: Target = { folders: [], name: "" };

function checkedTarget(
  exchange: Exchange,
  store: Store,
  asked: Target,
  known: ReadonlyMap<string, string>,
): Target | Failure {
  const target = targetOf(exchange, asked, known);
  if (target === null) return new Failure(400);
  const base = known.has("filename") || known.has("name") ? folderOf(asked) : asked.folders;
  return (
    outOfBounds(exchange, target) ?? store.checkFolder(base) ?? blocked(store, target, exchange.settings) ?? target
  );
}

/**
 * The file's target: its `relativePath` within the request's folder (some browsers begin it with a slash), else its `filename` or
 * `name` in that folder, else the request's path, as for any POST. null: the path is not safe.
 */
function targetOf(exchange: Exchange, asked: Target, metadata: ReadonlyMap<string, string>): Target | null {
  const filename = metadata.get("filename") ?? metadata.get("name");
  const relative = (metadata.get("relativePath") ?? "").replace(/^\/+/, "");
  // A relativePath without a folder only repeats the name, or is a client's "null" for no path.
  if (relative.includes("/")) return beneath(exchange.settings, folderOf(asked), relative);
  if (filename === undefined) return { ...asked, name: asked.name || generatedName(exchange.services) };
  return { folders: folderOf(asked), name: reducedName(filename) || generatedName(exchange.services) };
}

/** The request's folder. Its path may lack the final slash. */
const folderOf = ({ folders, name }: Target): readonly string[] => (name === "" ? folders : [...folders, name]);

function beneath(settings: Settings, folders: readonly string[], path: string): Target | null {
  const target = relativeTarget(settings, [...folders, path].join("/"));
  return target === null || target.name === "" ? null : target;
}

/** Why the finished file could not be published; null: no reason is known yet. Publishing creates missing folders, so they are no reason. */
function blocked(store: Store, target: Target, { uploadOverwrite }: Settings): Failure | null {
  if (uploadOverwrite !== "rename") return obstacle(store, target, uploadOverwrite);
  const lacking = store.checkFolder(target.folders);
  return lacking?.status === 404 ? null : lacking;
}
