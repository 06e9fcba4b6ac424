// Uploads that were not finished, remembered over a reload of the page: a file chosen again is known by its path, size
// and time, and goes on at the upload's address.

const PREFIX = "upload ";

/** Storage may be full or forbidden; uploads then work as ever, but are not remembered. */
function attempt(action) {
  try {
    return action();
  } catch {
    return undefined;
  }
}

export function remember({ file, path, url, expires }) {
  const entry = { path, size: file.size, modified: file.lastModified, url, expires };
  attempt(() => localStorage.setItem(PREFIX + url, JSON.stringify(entry)));
}

export function forget(url) {
  attempt(() => localStorage.removeItem(PREFIX + url));
}

/** All of them that the server still keeps: { path, size, modified, url, expires }, by path. */
export function remembered() {
  const keys = attempt(() => Object.keys(localStorage)) ?? [];
  const values = keys
    .filter((key) => key.startsWith(PREFIX))
    .map((key) => attempt(() => JSON.parse(localStorage.getItem(key))));
  // Others can write there too: what is none of ours is left alone.
  const entries = values.filter((value) => typeof value?.path === "string" && typeof value.url === "string");
  for (const { url } of entries.filter(hasExpired)) forget(url);
  return entries.filter((entry) => !hasExpired(entry)).sort((a, b) => a.path.localeCompare(b.path));
}

const hasExpired = ({ expires }) => Date.parse(expires) < Date.now();

/**
 * The remembered upload of a file, none of those whose address is among `current`: of the same path, or of the same name when
 * the file was chosen without its folder.
 */
export function recall(file, path, current) {
  const entries = remembered().filter(({ url }) => !current.has(url));
  const same = entries.filter(({ size, modified }) => size === file.size && modified === file.lastModified);
  const found = same.find((entry) => entry.path === path);
  if (found || path !== file.name) return found;
  return same.find((entry) => entry.path.endsWith(`/${file.name}`));
}
