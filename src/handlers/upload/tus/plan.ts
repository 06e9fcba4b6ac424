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

/** The plan of a POST, after all that can be known before the first byte was looked at. */
export function planOf(exchange: Exchange, store: Store): Plan | Failure {
  const { request, settings } = exchange;
  const length = uploadInteger(request.field("upload-length"));
  // Upload-Defer-Length is not offered, and never goes with a length.
  if (length === null || request.fieldIndex("upload-defer-length") >= 0) return new Failure(400);
  if (settings.clientMaxBodySize > 0 && length > settings.clientMaxBodySize) return new Failure(413);
  const metadata = request.fieldAll("upload-metadata").join(",");
  const known = uploadMetadata(metadata);
  const asked = requestTarget(settings, exchange.path);
  if (known === null || asked === null) return new Failure(400);
  const target = targetOf(exchange, asked, known);
  if (target === null) return new Failure(400);
  const base = known.has("filename") || known.has("name") ? folderOf(asked) : asked.folders;
  const refusal = outOfBounds(exchange, target) ?? store.lacks(base) ?? blocked(store, target, settings);
  return refusal ?? { length, target, metadata, lifetime: Math.ceil(settings.uploadResumeLifetime / 1000) };
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
  const lacking = store.lacks(target.folders);
  return lacking?.status === 404 ? null : lacking;
}
