// The folder a page is about is in its address: /manager.html#summer/pictures/

/** "#summer/pictures/" is ["summer", "pictures"]; names that lead elsewhere are left out. */
export function foldersOf(hash) {
  const names = hash.replace(/^#/, "").split("/").map(decode);
  return names.filter((name) => !["", ".", ".."].includes(name) && !name.includes("/"));
}

/** ["summer", "a b"] is "summer/a%20b/". */
export const folderPath = (names) => names.map((name) => `${encodeURIComponent(name)}/`).join("");

function decode(name) {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
