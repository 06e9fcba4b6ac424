/** The listing for people: a page of HTML. */

import { escapeHtml } from "../../http/escape.ts";
import { formatIsoDate } from "../../http/reply/date.ts";
import { encodePath, encodeSegment } from "../../http/request/target.ts";
import type { ListingFormat } from "./format.ts";

/**
 * @param exact whether sizes are bytes
 * @param local whether times are those of the server's zone; else UTC
 */
export const htmlListing = (exact: boolean, local: boolean): ListingFormat => ({
  type: "text/html; charset=utf-8",
  head: (path) => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escapeHtml(path)}</title>
<style>${STYLE}</style>
<h1>${crumbs(path)}</h1>
<table>
<thead><tr><th scope="col" aria-sort="ascending">Name<th scope="col">Size<th scope="col">Modified${local ? "" : " (UTC)"}</thead>
${path === "/" ? "" : '<tbody><tr class="folder"><td><a href="../">../</a><td><td></tbody>\n'}<tbody>
`,
  row(name, folder, size, mtime) {
    const slash = folder ? "/" : "";
    const link = `<a href="${encodeSegment(name)}${slash}">${escapeHtml(name)}${slash}</a>`;
    const bytes = folder ? "<td>" : `<td data-value="${size}" title="${size} bytes">${exact ? size : humanSize(size)}`;
    const time = `<td data-value="${mtime}"><time datetime="${formatIsoDate(mtime)}">${shortTime(mtime, local)}</time>`;
    return `<tr${folder ? ' class="folder"' : ""}><td>${link}${bytes}${time}\n`;
  },
  tail: (count) => `</tbody>
</table>
${count === 0 ? "<p>This folder is empty.</p>\n" : ""}<script>${SCRIPT}</script>
</html>
`,
});

/** The path with a link to each parent folder. */
function crumbs(path: string): string {
  const names = path.split("/").slice(1, -1);
  const links = names.map((name, i) => {
    const here = i === names.length - 1;
    const uri = encodePath("/" + names.slice(0, i + 1).join("/") + "/");
    return here ? escapeHtml(name) : `<a href="${uri}">${escapeHtml(name)}</a>`;
  });
  return ['<a href="/" aria-label="top">/</a>', ...links.map((link) => link + "/")].join("<wbr>");
}

const UNITS = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB"];

/** A size for people, with at most three digits before the unit. */
export function humanSize(size: number): string {
  let unit = 0;
  for (; size >= 999.5 && unit < UNITS.length - 1; unit++) size /= 1024;
  const digits = unit > 0 && size < 9.95 ? 1 : 0;
  return `${size.toFixed(digits)} ${unit === 0 && size === 1 ? "byte" : UNITS[unit]}`;
}

/** Without seconds. `local`: as the clocks show it where the server is. */
function shortTime(seconds: number, local: boolean): string {
  const offset = local ? new Date(seconds * 1000).getTimezoneOffset() * 60 : 0;
  return formatIsoDate(seconds - offset)
    .slice(0, 16)
    .replace("T", " ");
}

const STYLE = `
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif }
body { margin: 2rem auto; padding: 0 1rem; max-width: 56rem }
h1 { font-size: 1.4rem; font-weight: 500; overflow-wrap: anywhere }
table { width: 100%; border-collapse: collapse }
th, td { padding: .3rem .6rem; text-align: left; vertical-align: baseline; border-bottom: 1px solid #8883 }
th { font-weight: 500 } th button { all: unset; cursor: pointer } th button:focus-visible { outline: 2px solid }
th[aria-sort=ascending]::after { content: " ↑" } th[aria-sort=descending]::after { content: " ↓" }
td:first-child { width: 99%; overflow-wrap: anywhere } .folder td:first-child { font-weight: 500 }
td + td { white-space: nowrap; font-variant-numeric: tabular-nums; opacity: .8 }
td:nth-child(2), th:nth-child(2) { text-align: right; white-space: nowrap }
tr:hover td { background: #8881 } a { text-decoration: none } a:hover { text-decoration: underline }
@media (max-width: 36rem) { td:nth-child(3), th:nth-child(3) { display: none } }
`;

/** Sorts by the clicked column, folders before files. The page works without it. */
const SCRIPT = `
const heads = [...document.querySelectorAll("th")];
const rows = document.querySelector("tbody:last-of-type");
const value = (row, i) => row.cells[i].dataset.value ?? row.cells[i].textContent;
const compare = (a, b) => a.localeCompare(b, undefined, { numeric: true });
heads.forEach((head, i) => {
  const button = document.createElement("button");
  button.textContent = head.textContent;
  button.onclick = () => {
    const down = head.getAttribute("aria-sort") === "ascending";
    for (const other of heads) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const isFile = (row) => row.className !== "folder";
    rows.append(...[...rows.rows].sort((a, b) =>
      isFile(a) - isFile(b) || (down ? -1 : 1) * compare(value(a, i), value(b, i))));
  };
  head.replaceChildren(button);
});
`;
