/** $fastcgi_script_name and $fastcgi_path_info: the path, split by `fastcgi_split_path_info`, and `fastcgi_index` behind a folder. */
import { octets } from "../../http/octets.ts";
import { SureRegex } from "../../routing/sure-regex.ts";
import type { Exchange } from "../exchange.ts";
import { evaluateOctets } from "../templates.ts";

/** The last split: several parameters of a request need it. Texts that are the same string are compared at once. */
let last = { path: "", by: null as RegExp | null, script: "", info: "" };

function split({ path, settings }: Exchange): typeof last {
  const by = settings.fastcgiOnly.splitPathInfo;
  if (last.by === by && last.path === path) return last;
  const text = octets(path);
  const groups = by === null ? null : prepared(by).exec(text);
  last = groups ? { path, by, script: groups[1] ?? "", info: groups[2] ?? "" } : { path, by, script: text, info: "" };
  return last;
}

const sure = new WeakMap<RegExp, SureRegex>();

function prepared(by: RegExp): SureRegex {
  let regex = sure.get(by);
  if (regex === undefined) sure.set(by, (regex = new SureRegex(by)));
  return regex;
}

/** $fastcgi_script_name, as octets. */
export function fastcgiScriptName(exchange: Exchange): string {
  const { script } = split(exchange);
  const { index } = exchange.settings.fastcgiOnly;
  return index === null || !script.endsWith("/") ? script : script + evaluateOctets(index, exchange);
}

/** $fastcgi_path_info, as octets. */
export const fastcgiPathInfo = (exchange: Exchange): string => split(exchange).info;
