/** Writes the description of a resumable upload. */
import type { Kernel } from "../../../../ffi/kernel.ts";
import { Block } from "../../../../ffi/memory.ts";
import { STAGING } from "../../../config/parts.ts";
import { Failure, storeFailure } from "../failure.ts";
import type { Staging } from "../staging.ts";
import type { Store } from "../store.ts";
import { type Description, infoName } from "./description.ts";

/** Writes the description to a new file and renames it over the old one, so that a complete one exists at any time. null or the failure. */
export function writeDescription(
  kernel: Kernel,
  store: Store,
  staging: Staging,
  id: string,
  it: Description,
): Failure | null {
  const file = store.stage();
  if (file instanceof Failure) return file;
  const bytes = Buffer.from(JSON.stringify(it), "utf8");
  const block = new Block(bytes.length);
  bytes.copy(block.bytes);
  const at = `"${store.path}/${STAGING}/${infoName(id)}"`;
  let what = `write() ${at}`;
  let n = file.write(block, 0, bytes.length);
  if (n >= 0) n = file.finish();
  if (n >= 0) {
    what = `rename() to ${at}`;
    n = kernel.rename(staging.fd, file.name, staging.fd, infoName(id), true);
  }
  if (n >= 0) file.pause();
  else file.abort();
  return n < 0 ? storeFailure(n, what) : null;
}
