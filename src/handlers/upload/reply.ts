/** The reply about stored files: 201, Location, and a list of the files as JSON or HTML. */

import type { Exchange } from "../../exchange/exchange.ts";
import { prefersJson } from "../../http/accept.ts";
import { escapeHtml } from "../../http/escape.ts";
import { humanSize } from "../listing/listing-page.ts";
import { smallPage } from "../small-page.ts";
import { urlOf } from "./target.ts";

interface StoredFile {
  readonly name: string;
  /** In bytes. */
  readonly size: number;
}

interface Shown extends StoredFile {
  /** Percent-encoded path. */
  readonly url: string;
}

/** Replies 201 for files stored in the folder `folders` of the store. Location is the file, or the folder if there are several. */
export function replyStored(exchange: Exchange, folders: readonly string[], files: readonly StoredFile[]): void {
  const upload = exchange.settings.upload!;
  const shown = files.map(({ name, size }) => ({ name, size, url: urlOf(upload, { folders, name }) }));
  const folder = urlOf(upload, { folders, name: "" });
  const json = prefersJson(exchange.request.fieldAll("accept").join(", "));
  exchange.reply(
    201,
    [
      ["Content-Type", json ? "application/json" : "text/html; charset=utf-8"],
      ["Location", shown.length === 1 ? shown[0]!.url : folder],
    ],
    Buffer.from(json ? `${JSON.stringify(shown)}\n` : page(shown, folder), "utf8"),
  );
}

function page(files: readonly Shown[], folder: string): string {
  const title = files.length === 1 ? "1 file stored" : `${files.length} files stored`;
  const rows = files.map(({ name, size, url }) => `<li><a href="${url}">${escapeHtml(name)}</a> ${humanSize(size)}\n`);
  return smallPage(
    title,
    "margin: 10vh auto; padding: 0 1rem; max-width: 32rem; overflow-wrap: anywhere",
    `<ul>\n${rows.join("")}</ul>\n<p><a href="${folder}">The folder</a></p>\n`,
  );
}
