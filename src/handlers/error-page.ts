/**
 * The built-in pages of errors and redirects: complete, small, readable in light and dark, and silent about the system.
 */
import { reasonPhrase } from "../http/status.ts";

const pages = new Map<number, Buffer>();

/** The media type of what `errorPage` gives. */
export const ERROR_PAGE_TYPE = "text/html; charset=utf-8";

/** The page for a status, as bytes that are made once and must not be changed. */
export function errorPage(status: number): Buffer {
  const made = pages.get(status);
  if (made !== undefined) return made;
  const page = Buffer.from(html(status), "utf8");
  pages.set(status, page);
  return page;
}

function html(status: number): string {
  const title = `${status} ${reasonPhrase(status)}`.trim();
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title}</title>
<style>
:root { color-scheme: light dark; font: 1.1rem/1.5 system-ui, sans-serif }
body { margin: 20vh auto; padding: 0 1rem; max-width: 32rem; text-align: center }
h1 { font-weight: 500 }
</style>
<h1>${title}</h1>
<p>Webserv</p>
</html>
`;
}
