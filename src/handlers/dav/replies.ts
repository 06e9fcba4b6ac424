/** Replies in XML: errors with a condition (RFC 4918 §16), and what became of several files (207, §13). */
import { errnoText } from "../../../ffi/errno.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import type { Field } from "../../exchange/reply.ts";
import { reasonPhrase } from "../../http/reply/status.ts";
import { encodePath } from "../../http/request/target.ts";
import { errorStatus } from "../errors.ts";
import type { Lasting } from "../large/tree-removal.ts";

/** The text before the responses. */
export const MULTI_STATUS = '<?xml version="1.0" encoding="utf-8"?>\n<D:multistatus xmlns:D="DAV:">\n';
/** The text behind them. */
export const END = "</D:multistatus>\n";

/** A status as XML. */
export const statusXml = (status: number): string => `<D:status>HTTP/1.1 ${status} ${reasonPhrase(status)}</D:status>`;

/** A response about a whole file or folder. */
export const responseXml = (path: string, status: number): string =>
  `<D:response><D:href>${hrefOf(path)}</D:href>${statusXml(status)}</D:response>\n`;

export function replyMultiStatus(
  exchange: Exchange,
  responses: readonly string[],
  fields: readonly Field[] = [],
): void {
  const text = MULTI_STATUS + responses.join("") + END;
  exchange.reply(207, [["Content-Type", XML_TYPE], ...fields], Buffer.from(text, "utf8"));
}

/** Replies with what of the folder at `path` could not be removed. */
export function replyLasting(exchange: Exchange, path: string, lasting: readonly Lasting[]): void {
  const folder = path.endsWith("/") ? path : `${path}/`;
  const responses = lasting.map(({ path: member, error }) => {
    const status = error === 0 ? 403 : errorStatus(-error);
    exchange.log("error", `"${folder}${member}" was not removed (${error === 0 ? "it is hidden" : errnoText(error)})`);
    // What clients do not see is not named.
    return error === 0 ? responseXml(parentOf(`${folder}${member}`), 403) : responseXml(`${folder}${member}`, status);
  });
  replyMultiStatus(exchange, [...new Set(responses)]);
}

const parentOf = (path: string): string => path.slice(0, path.lastIndexOf("/") + 1);

/** Replies with an error whose condition is told as XML. */
export function replyError(exchange: Exchange, status: number, condition: string): void {
  const text = `<?xml version="1.0" encoding="utf-8"?>\n<D:error xmlns:D="DAV:">${condition}</D:error>\n`;
  exchange.reply(status, [["Content-Type", XML_TYPE]], Buffer.from(text, "utf8"));
}

export const XML_TYPE = "text/xml; charset=utf-8";
/** The href of a path. */
export const hrefOf = (path: string): string => encodePath(path);
