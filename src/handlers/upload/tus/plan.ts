/** What the creation of a resumable upload asks for (tus 1.0, "Creation"): how long it is, and where it goes. */
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

/** The longest file that the location takes, in bytes. */
export const mostBytes = ({ clientMaxBodySize }: Settings): number => clientMaxBodySize || Number.MAX_SAFE_INTEGER;

/** The plan of a POST that begins an upload, after all that can be known before the first byte was looked at. */
export function planOf(exchange: Exchange, store: Store): Plan | Failure {
  const { request } = exchange;
  const length = plannedLength(request.field("upload-length"), request.field("upload-defer-length"));
  if (length === undefined) return new Failure(400);
  const partial = request.field("upload-concat") === "partial";
  return planFor(exchange, store, length, partial ? "partial" : "");
}

/** The length that a creation announces: either now, or later (null); undefined: it is malformed. */
function plannedLength(length: string | undefined, deferred: string | undefined): number | null | undefined {
  if (deferred !== undefined) return deferred === "1" && length === undefined ? null : undefined;
  return uploadInteger(length) ?? undefined;
}

/** The plan of a file of `length` bytes, which may be made of partial uploads, or of a partial upload. */
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
  const target = concat === "partial" ? NOWHERE : checkedTarget(exchange, store, asked, known);
  if (target instanceof Failure) return target;
  return { length, target, metadata, lifetime: Math.ceil(settings.uploadResumeLifetime / 1000), concat };
}

/** Of a partial upload: it never is a file. */
const NOWHERE: Target = { folders: [], name: "" };

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
 * Where the file goes: to its `relativePath` beneath the request's folder (which begins with a slash where browsers say so), else
 * there under its `filename` or `name`; without one where the request's path leads, as any POST. null: nowhere.
 */
function targetOf(exchange: Exchange, asked: Target, metadata: ReadonlyMap<string, string>): Target | null {
  const filename = metadata.get("filename") ?? metadata.get("name");
  const relative = (metadata.get("relativePath") ?? "").replace(/^\/+/, "");
  // Without a folder it is only the name again, or what a client has made of no path at all ("null").
  if (relative.includes("/")) return beneath(exchange.settings, folderOf(asked), relative);
  if (filename === undefined) return { ...asked, name: asked.name || generatedName(exchange.services) };
  return { folders: folderOf(asked), name: reducedName(filename) || generatedName(exchange.services) };
}

/** A path that names a folder need not end with a slash. */
const folderOf = ({ folders, name }: Target): readonly string[] => (name === "" ? folders : [...folders, name]);

function beneath(settings: Settings, folders: readonly string[], path: string): Target | null {
  const target = relativeTarget(settings, [...folders, path].join("/"));
  return target === null || target.name === "" ? null : target;
}

/** Why the last byte could not be followed by the file; folders that are missing are made then. */
function blocked(store: Store, target: Target, { uploadOverwrite }: Settings): Failure | null {
  if (uploadOverwrite !== "rename") return obstacle(store, target, uploadOverwrite);
  const lacking = store.checkFolder(target.folders);
  return lacking?.status === 404 ? null : lacking;
}
