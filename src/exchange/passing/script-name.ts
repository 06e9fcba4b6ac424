/** $fastcgi_script_name and $fastcgi_path_info: the path, split by `fastcgi_split_path_info`, and `fastcgi_index` behind a folder. */
import { octets } from "../../http/octets.ts";
import type { Exchange } from "../exchange.ts";
import { evaluateOctets } from "../templates.ts";

/** The last split: several parameters of a request need it. Texts that are the same string are compared at once. */
let last = { path: "", by: null as RegExp | null, script: "", info: "" };

function split({ path, settings }: Exchange): typeof last {
  const by = settings.fastcgiOnly.splitPathInfo;
  if (last.by === by && last.path === path) return last;
  const groups = by === null ? null : by.exec(path);
  last =
    groups === null
      ? { path, by, script: octets(path), info: "" }
      : { path, by, script: octets(groups[1] ?? ""), info: octets(groups[2] ?? "") };
  return last;
}

/** $fastcgi_script_name, as octets. */
export function fastcgiScriptName(exchange: Exchange): string {
  const { script } = split(exchange);
  const { index } = exchange.settings.fastcgiOnly;
  return index === null || !script.endsWith("/") ? script : script + evaluateOctets(index, exchange);
}

/** $fastcgi_path_info, as octets. */
export const fastcgiPathInfo = (exchange: Exchange): string => split(exchange).info;
