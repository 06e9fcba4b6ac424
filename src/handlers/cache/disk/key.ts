/** Names of cache entries: of a key, and of a variant of it. Pure. */
/** The name of a key's entry, as in nginx: the MD5 of its octets in hexadecimal digits. */
export const nameOf = (key: string): string => Bun.MD5.hash(Buffer.from(key, "latin1"), "hex");

/** What an entry's file is called, whatever the levels. */
export const IS_NAME = /^[0-9a-f]{32}$/;

/** The path of an entry in its folder: `levels` digits from the end of the name make the folders (ngx_create_hashed_filename). */
export function pathOf(name: string, levels: readonly number[]): string {
  let path = "";
  let end = name.length;
  for (const digits of levels) {
    path += `${name.slice(end - digits, end)}/`;
    end -= digits;
  }
  return path + name;
}

/**
 * The name of the variant of a key for a request.
 * @param vary the reply's Vary
 * @param field gives all lines of a field of the request
 */
export function variantOf(key: string, vary: string, field: (name: string) => readonly string[]): string {
  let text = `${key}\r\n`;
  for (const name of listOf(vary)) {
    const lower = name.toLowerCase();
    text += `${lower}:${listOf(field(lower).join(",")).join(",")}\r\n`;
  }
  return nameOf(text);
}

/** The members of a list field, without white space around them. */
const listOf = (value: string): string[] =>
  value
    .split(",")
    .map((member) => member.trim())
    .filter((member) => member !== "");
