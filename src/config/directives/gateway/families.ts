/** How blocks inherit the groups of settings that the families of `*_pass` have: each directive by itself. */
import type { CacheSettings, Family, FamilySettings } from "../../gateway.ts";
import type { Settings } from "../../model.ts";
import type { Group, GroupOwn, Own } from "../../scope.ts";
import { BARE_UPSTREAM_TLS } from "../tls/upstream.ts";

/** Defaults that cannot be written as arguments; the rows have the others. */
const CACHE: Partial<CacheSettings> = {
  key: null,
  valid: [],
  bypass: [],
  noCache: [],
  convertHead: true,
  maxRangeOffset: null,
  purge: null,
};

const FAMILY: GroupOwn<FamilySettings> = {
  busyBuffersSize: 0,
  tempFileWriteSize: 0,
  tempPath: null,
  hideHeaders: [],
  passHeaders: [],
  ignoreHeaders: [],
  cache: CACHE,
};

/** The groups before any directive. */
export const BARE_GROUPS: Pick<Own, Group> = {
  proxy: FAMILY,
  fastcgi: FAMILY,
  uwsgi: FAMILY,
  scgi: FAMILY,
  proxyOnly: { setHeaders: [], method: null, setBody: null, tls: BARE_UPSTREAM_TLS },
  fastcgiOnly: { params: [], index: null, splitPathInfo: null, catchStderr: [] },
  uwsgiOnly: { params: [] },
  scgiOnly: { params: [] },
};

const GROUPS = Object.keys(BARE_GROUPS) as Group[];
const FAMILIES: readonly Family[] = ["proxy", "fastcgi", "uwsgi", "scgi"];

/** The groups of a block: its own settings, else those of the block around it. */
export function inheritGroups(outer: Pick<Own, Group>, own: Own): Pick<Settings, Group> {
  const groups: Record<string, unknown> = {};
  for (const key of GROUPS) groups[key] = own[key] === undefined ? outer[key] : { ...outer[key], ...own[key] };
  if (own.proxyOnly?.tls !== undefined)
    groups.proxyOnly = { ...outer.proxyOnly, ...own.proxyOnly, tls: { ...outer.proxyOnly!.tls, ...own.proxyOnly.tls } };
  for (const family of FAMILIES) {
    if (own[family] !== undefined) groups[family] = withSizes(outer[family]!, own[family]);
  }
  return groups as Pick<Settings, Group>;
}

/** Sizes that nobody sets follow from those of the buffers, as in nginx. */
function withSizes(outer: GroupOwn<FamilySettings>, own: GroupOwn<FamilySettings>): GroupOwn<FamilySettings> {
  const merged = { ...outer, ...own, cache: { ...outer.cache, ...own.cache } };
  const before = derivedSize(outer);
  const derived = derivedSize(merged);
  const size = (key: "busyBuffersSize" | "tempFileWriteSize"): number =>
    own[key] ?? (outer[key] === 0 || outer[key] === before ? derived : outer[key]!);
  return { ...merged, busyBuffersSize: size("busyBuffersSize"), tempFileWriteSize: size("tempFileWriteSize") };
}

/** Twice the larger of the first buffer and the others. */
function derivedSize({ bufferSize = 0, buffers }: GroupOwn<FamilySettings>): number {
  return 2 * Math.max(bufferSize, buffers?.size ?? 0);
}
