/**
 * The built-in pages for errors and redirects: complete, small, readable in light and dark mode, without details of the system.
 */
import type { Settings } from "../config/model.ts";
import { reasonPhrase } from "../http/reply/status.ts";
import { smallPage } from "./small-page.ts";

const pages = new Map<number, Buffer>();

/** Media type of `errorPage`. It is ASCII, so the charset of the location, which a filter adds, is as right as UTF-8. */
export const errorPageType = ({ nginxReplies, charset }: Pick<Settings, "nginxReplies" | "charset">): string =>
  nginxReplies || charset !== null ? "text/html" : "text/html; charset=utf-8";

/** The page for a status. The bytes are made once and must not be changed. */
export function errorPage(status: number): Buffer {
  const made = pages.get(status);
  if (made !== undefined) return made;
  const page = Buffer.from(html(status), "utf8");
  pages.set(status, page);
  return page;
}

/** nginx's statuses for faults of TLS, which clients see as 400, and its words. */
const TLS_FAULTS: ReadonlyMap<number, string> = new Map([
  [495, "The SSL certificate error"],
  [496, "No required SSL certificate was sent"],
  [497, "The plain HTTP request was sent to HTTPS port"],
]);

/** The status that a client sees of an error. */
export const shownStatus = (status: number): number => (TLS_FAULTS.has(status) ? 400 : status);

function html(error: number): string {
  const status = shownStatus(error);
  const title = `${status} ${reasonPhrase(status)}`.trim();
  const more = TLS_FAULTS.has(error) ? `<p>${TLS_FAULTS.get(error)}</p>\n` : "";
  return smallPage(
    title,
    "margin: 20vh auto; padding: 0 1rem; max-width: 32rem; text-align: center",
    `${more}<p>Webserv</p>\n`,
  );
}
