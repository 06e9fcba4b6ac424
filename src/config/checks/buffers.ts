/** The sizes of each family's buffers must fit each other, as nginx demands. Runs when everything has been read. */
import type { Family } from "../gateway.ts";
import type { Draft, Scope } from "../scope.ts";

const SIZES = {
  buffers: "buffers",
  bufferSize: "buffer_size",
  busyBuffersSize: "busy_buffers_size",
  tempFileWriteSize: "temp_file_write_size",
  maxTempFileSize: "max_temp_file_size",
} as const;
type Size = keyof typeof SIZES;
const KEYS = Object.keys(SIZES) as Size[];

/** Checks every block that sets one of them. */
export function checkBuffers(draft: Draft): void {
  for (const scope of draft.scopes()) {
    for (const family of ["proxy", "fastcgi", "uwsgi", "scgi"] as const) {
      const problem = problemOf(scope, family);
      const cause = KEYS.find((key) => scope.own[family]?.[key] !== undefined);
      if (problem === null || cause === undefined) continue;
      scope.error(scope.seen.get(`${family}_${SIZES[cause]}`)!, problem);
    }
  }
}

const show = (bytes: number): string => (bytes % 1024 === 0 ? `${bytes / 1024}k` : `${bytes}`);

/** What does not fit; null: all does. */
function problemOf(scope: Scope, family: Family): string | null {
  const { count, size } = scope.groupSetting(family, "buffers") ?? { count: 8, size: 4096 };
  const largest = Math.max(scope.groupSetting(family, "bufferSize") ?? 4096, size);
  const busy = scope.groupSetting(family, "busyBuffersSize") ?? 2 * largest;
  const most = (count - 1) * size;
  const write = scope.groupSetting(family, "tempFileWriteSize") ?? 2 * largest;
  const file = scope.groupSetting(family, "maxTempFileSize") ?? 2 ** 30;
  const name = (key: Size): string => `"${family}_${SIZES[key]}"`;
  const buffer = `${show(largest)}, the larger of ${name("bufferSize")} and one of ${name("buffers")}`;
  if (busy < largest) return `${name("busyBuffersSize")} (${show(busy)}) must be at least ${buffer}`;
  if (busy > most) {
    const which = scope.groupSetting(family, "busyBuffersSize") === undefined ? "twice the largest buffer, " : "";
    return `${name("busyBuffersSize")} (${which}${show(busy)}) must be at most all ${name("buffers")} but one (${show(most)}): write more or larger ${name("buffers")}`;
  }
  if (write < largest) return `${name("tempFileWriteSize")} (${show(write)}) must be at least ${buffer}`;
  if (file !== 0 && file < largest) return `${name("maxTempFileSize")} (${show(file)}) must be 0 or at least ${buffer}`;
  return null;
}
