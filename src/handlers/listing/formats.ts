/** The formats of a listing: HTML for people (listing-page.ts), and for programs what nginx writes, byte for byte. All are made row by row. */
import type { Settings } from "../../config/model.ts";
import { escapeHtml } from "../../http/escape.ts";
import { formatDate, formatIsoDate } from "../../http/reply/date.ts";
import { encodeSegment, queryParameter } from "../../http/request/target.ts";
import type { ListingFormat } from "./format.ts";
import { htmlListing } from "./listing-page.ts";

const CALLBACK = /^[A-Za-z0-9_.]{0,128}$/;

/** The format of a location for a request with this query; null: its callback is no name (400, as in nginx). */
export function formatOf(settings: Settings, query: string): ListingFormat | null {
  switch (settings.autoindexFormat) {
    case "json":
      return jsonListing;
    case "jsonp": {
      const callback = queryParameter(query, "callback") ?? "";
      if (!CALLBACK.test(callback)) return null;
      return callback === "" ? jsonListing : jsonpListing(callback);
    }
    case "xml":
      return xmlListing;
    default:
      return htmlListing(settings.autoindexExactSize, settings.autoindexLocaltime);
  }
}

const jsonListing: ListingFormat = {
  type: "application/json",
  head: () => "[",
  row(name, folder, size, mtime, index) {
    const text = JSON.stringify(name.toWellFormed());
    // A name that is not UTF-8 is shown with replacement characters, so a URL is added that leads to the file.
    const url = name.isWellFormed() ? "" : `, "url":${JSON.stringify(encodeSegment(name))}`;
    const kind = folder ? "directory" : "file";
    const bytes = folder ? "" : `, "size":${size}`;
    return `${index > 0 ? "," : ""}\r\n{ "name":${text}, "type":"${kind}", "mtime":"${formatDate(mtime)}"${bytes}${url} }`;
  },
  tail: () => "\r\n]",
};

/** The comment keeps the reply's first bytes from being taken for another type than JavaScript. */
const jsonpListing = (callback: string): ListingFormat => ({
  ...jsonListing,
  type: "application/javascript",
  head: () => `/* callback */\r\n${callback}([`,
  tail: () => "\r\n]);",
});

const xmlListing: ListingFormat = {
  type: "text/xml; charset=utf-8",
  head: () => '<?xml version="1.0"?>\r\n<list>\r\n',
  row(name, folder, size, mtime) {
    const time = formatIsoDate(mtime).replace("+00:00", "Z");
    // XML has no control characters but tab and line ends, in whatever form.
    const text = escapeHtml(name.toWellFormed())
      .replaceAll("&#39;", "'")
      .replace(/[\x00-\x08\x0b\x0c\x0e-\x1f]/g, "\ufffd");
    if (folder) return `<directory mtime="${time}">${text}</directory>\r\n`;
    return `<file mtime="${time}" size="${size}">${text}</file>\r\n`;
  },
  tail: () => "</list>\r\n",
};
