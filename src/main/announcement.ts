/** The text printed at start: every address as a URL, and the pages found there. */
import { type FileKernel, Sources } from "../config/files.ts";
import type { Location, VirtualServer } from "../config/model.ts";
import { encodeSegment } from "../http/request/target.ts";
import type { Site } from "../server/listeners/addresses.ts";

/** Most pages listed for one address. */
const MOST_PAGES = 12;

/** One line for each URL, followed by one with the HTML files directly in the root, if there are any. */
export function announcement(kernel: FileKernel, sites: readonly Site[]): string {
  return sites.map(({ url, server }) => `listening on ${url}\n${pagesLine(pagesOf(kernel, server))}`).join("");
}

function pagesLine(pages: readonly string[]): string {
  if (pages.length === 0) return "";
  const more = pages.length > MOST_PAGES ? ` and ${pages.length - MOST_PAGES} more` : "";
  return `  pages: ${pages.slice(0, MOST_PAGES).join(" ")}${more}\n`;
}

/** Whether no location keeps the page from visitors. */
function isShown(path: string, locations: readonly Location[]): boolean {
  const own = locations.find(({ modifier, pattern }) => modifier === "=" && pattern === path);
  return own === undefined || (!own.settings.internal && own.settings.return === null);
}

/** The paths of the pages; "/" is the index. None where the root depends on the request or is not used. */
function pagesOf(kernel: FileKernel, { scope, locations }: VirtualServer): string[] {
  const { root, alias, index, return: fixed } = scope.settings;
  if (root.constant === null || alias !== null || fixed !== null || /[*?[]/.test(root.constant)) return [];
  const files = new Sources(kernel, root.constant).resolve(`${root.constant}/*.html`);
  const names = files.map((file) => file.slice(file.lastIndexOf("/") + 1)).filter((name) => !name.startsWith("."));
  const isIndex = (name: string): boolean => index.some(({ constant }) => constant === name);
  const pages = names.filter((name) => !isIndex(name)).map((name) => `/${encodeSegment(name)}`);
  return (names.some(isIndex) ? ["/", ...pages] : pages).filter((path) => isShown(path, locations));
}
