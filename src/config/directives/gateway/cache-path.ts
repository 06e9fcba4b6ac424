/** The arguments of `*_cache_path`. */
import type { CachePath } from "../../gateway.ts";
import type { Position } from "../../parts.ts";
import { join } from "../../paths.ts";
import type { Scope } from "../../scope.ts";
import { elsewhere, quote } from "../../text/diagnostics.ts";
import type { Word } from "../../text/parser.ts";
import { parseSize, parseTime } from "../../values/arguments.ts";

/** The options of `*_cache_path` but for `levels` and `keys_zone`, with their values by default. */
type Options = { max_size: number | null; min_free: number; inactive: number } & Record<
  `${"manager" | "loader"}_${"files" | "threshold" | "sleep"}`,
  number
>;

const PURGER = /^purger(?:_files|_sleep|_threshold)?$/;

/** Parses `NAME=VALUE` into the options; a string tells what is expected. */
function readOption(options: Options, name: string, value: string): string | null {
  const set = <K extends keyof Options>(key: K, parsed: Options[K] | undefined, expected: string): string | null => {
    if (parsed === undefined) return expected;
    options[key] = parsed;
    return null;
  };
  if (name === "max_size") return set(name, parseSize(value), "a size");
  if (name === "min_free") return set(name, parseSize(value), "a size");
  if (name === "inactive") return set(name, parseTime(value), "a time");
  if (name === "use_temp_path") return value === "on" || value === "off" ? null : '"on" or "off"'; // entries never leave their folder
  const [, who, what] = /^(manager|loader)_(files|threshold|sleep)$/.exec(name) ?? [];
  if (who === undefined) return PURGER.test(name) ? null : "unknown";
  const pace = `${who}_${what}` as keyof Options;
  if (what === "files") return set(pace, /^[1-9]\d{0,8}$/.test(value) ? Number(value) : undefined, "a number");
  return set(pace, parseTime(value), "a time");
}

/** Smaller tables are refused by nginx (eight pages). */
const LEAST_ZONE = 32 * 1024;

/** Adds the cache of a `*_cache_path`. */
export function addCachePath(scope: Scope, directive: string, [folder, ...rest]: readonly Word[]): void {
  const options: Options = {
    max_size: null,
    min_free: 0,
    inactive: 600_000,
    manager_files: 100,
    manager_threshold: 200,
    manager_sleep: 50,
    loader_files: 100,
    loader_threshold: 200,
    loader_sleep: 50,
  };
  let levels: number[] = [];
  let zone: { name: string; size: number; position: Position } | null = null;
  for (const { text, position } of rest) {
    const [, name, value] = /^(\w+)=(.*)$/s.exec(text) ?? [];
    if (name === "levels") {
      if (!/^[12](?::[12]){0,2}$/.test(value!))
        return scope.error(position, `"${directive}" expects levels such as 1:2, not ${quote(value!)}`);
      levels = value!.split(":").map(Number);
    } else if (name === "keys_zone") {
      const [, key, bytes] = /^([^:]+):(.+)$/.exec(value!) ?? [];
      const size = bytes === undefined ? undefined : parseSize(bytes);
      if (key === undefined || size === undefined)
        return scope.error(position, `"${directive}" expects keys_zone=NAME:SIZE, not ${quote(text)}`);
      if (size < LEAST_ZONE) return scope.error(position, `the keys_zone ${quote(key)} is too small (at least 32k)`);
      zone = { name: key, size, position };
    } else {
      const wrong = name === undefined ? "unknown" : readOption(options, name, value!);
      if (wrong === "unknown") return scope.error(position, `unknown option ${quote(text)} of "${directive}"`);
      if (wrong !== null)
        return scope.error(position, `"${directive}" expects ${wrong} after "${name}=", not ${quote(value!)}`);
    }
  }
  if (zone === null) return scope.error(folder!.position, `"${directive}" needs keys_zone=NAME:SIZE`);
  if (folder!.text === "" || folder!.text.includes("$"))
    return scope.error(
      folder!.position,
      `"${directive}" expects a folder (without variables), not ${quote(folder!.text)}`,
    );
  const { caches } = scope.draft.gateway;
  const first = caches.get(zone.name);
  if (first !== undefined)
    return scope.error(
      zone.position,
      `duplicate keys_zone ${quote(zone.name)} (first on ${elsewhere(first.position, zone.position)})`,
    );
  const path = cachePath(join(scope.draft.prefix, folder!.text), zone, levels, options);
  const other = caches.values().find((each) => each.path === path.path);
  if (other !== undefined)
    return scope.error(
      folder!.position,
      `the folder ${quote(folder!.text)} is that of the keys_zone ${quote(other.name)} (${elsewhere(other.position, folder!.position)})`,
    );
  caches.set(zone.name, path);
}

function cachePath(
  path: string,
  { name, size, position }: { name: string; size: number; position: Position },
  levels: readonly number[],
  options: Options,
): CachePath {
  const pace = (who: "manager" | "loader") => ({
    files: options[`${who}_files`]!,
    threshold: options[`${who}_threshold`]!,
    sleep: options[`${who}_sleep`]!,
  });
  return {
    name,
    path: path.replace(/(?<=.)\/+$/, ""),
    levels,
    keysSize: size,
    maxSize: options.max_size,
    minFree: options.min_free,
    inactive: options.inactive,
    manager: pace("manager"),
    loader: pace("loader"),
    position,
  };
}
