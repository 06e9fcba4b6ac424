/** Variables that name what the request leads to: a file, or a script of another server. */
import { AT_FDCWD, O_PATH } from "../../../ffi/abi.ts";
import { nameText, octets } from "../../http/octets.ts";
import type { Exchange } from "../exchange.ts";
import { fastcgiPathInfo, fastcgiScriptName } from "../passing/script-name.ts";
import { filename, place } from "../place.ts";
import { evaluateOctets, evaluatePath } from "../templates.ts";
import { type Row, row } from "./row.ts";

export const FILES: readonly Row[] = [
  row("document_root", "change", "the location's `root` or `alias`", documentRoot),
  row("fastcgi_path_info", "change", "what follows the script's name, by `fastcgi_split_path_info`", fastcgiPathInfo),
  row(
    "fastcgi_script_name",
    "change",
    "the path, or its part by `fastcgi_split_path_info`; `fastcgi_index` follows a `/` at its end",
    fastcgiScriptName,
  ),
  row("realpath_root", "change", "`$document_root` without symbolic links", realpathRoot),
  row("request_filename", "change", "the file that the path stands for", requestFilename),
];

function documentRoot(exchange: Exchange): string {
  const { alias, root } = exchange.settings;
  const folder = alias ?? root;
  return folder.base === undefined ? evaluateOctets(folder, exchange) : octets(evaluatePath(folder, exchange));
}

/** "" where the folder cannot be opened, as in nginx. */
function realpathRoot(exchange: Exchange): string {
  const { kernel } = exchange.services;
  const folder = documentRoot(exchange);
  const fd = kernel.open(nameText(folder), O_PATH, 0);
  if (fd < 0) return "";
  const into = [""];
  const n = kernel.readlink(AT_FDCWD, `/proc/self/fd/${fd}`, into);
  kernel.close(fd);
  return n < 0 ? "" : octets(into[0]!);
}

function requestFilename(exchange: Exchange): string {
  const found = place(exchange.settings, exchange.path, exchange);
  return found === null ? "" : octets(filename(found));
}
