/**
 * The built-in pages for errors and redirects: complete, small, readable in light and dark mode, without details of the system.
 */
import type { Settings } from "../config/model.ts";
import { reasonPhrase } from "../http/reply/status.ts";
import { smallPage } from "./small-page.ts";

const pages = new Map<number, Buffer>();

/** Media type of `errorPage`. */
export const errorPageType = ({ nginxReplies }: Pick<Settings, "nginxReplies">): string =>
  nginxReplies ? "text/html" : "text/html; charset=utf-8";

/** The page for a status. The bytes are made once and must not be changed. */
export function errorPage(status: number): Buffer {
  const made = pages.get(status);
  if (made !== undefined) return made;
  const page = Buffer.from(html(status), "utf8");
  pages.set(status, page);
  return page;
}

function html(status: number): string {
  const title = `${status} ${reasonPhrase(status)}`.trim();
  return smallPage(
    title,
    "margin: 20vh auto; padding: 0 1rem; max-width: 32rem; text-align: center",
    "<p>Webserv</p>\n",
  );
}
