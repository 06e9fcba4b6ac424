// The folder a page is about is in its address: /manager.html#/summer/pictures/

/** ["summer", "a b"] is "summer/a%20b/". */
export const folderPath = (names) => names.map((name) => `${encodeURIComponent(name)}/`).join("");

export const folderHash = (names) => `#/${folderPath(names)}`;

let current = [];

/**
 * The folders in the page's address. A hash without a slash, such as the skip link's, is no folder: the page stays where it is and
 * its address is put back, so that a reload or a copy of it means the same folder.
 */
export function currentFolders() {
  const { hash } = location;
  if (hash === "" || hash.includes("/")) current = foldersOf(hash);
  else history.replaceState(null, "", folderHash(current));
  return current;
}

/** "#/summer/pictures/" is ["summer", "pictures"]; names that lead elsewhere are left out. */
function foldersOf(hash) {
  const names = hash.replace(/^#/, "").split("/").map(decode);
  return names.filter((name) => !["", ".", ".."].includes(name) && !name.includes("/"));
}

function decode(name) {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
