/** A message of the error log about a request, as nginx writes it. */
import type { Exchange } from "../exchange/exchange.ts";
import { octets, unicode } from "../http/octets.ts";

/** `message` with the number of the connection and the client; unless `brief`, also server, request line, upstream and host. */
export function errorLine(
  { request, connection, server, upstream, isSubrequest, path }: Exchange,
  message: string,
  brief: boolean,
): string {
  const start = `*${connection.number} ${message}, client: ${connection.remoteAddress}`;
  if (brief) return start;
  const asked = request.requestLine();
  const line = asked === "" ? "" : `, request: "${asked}"`;
  const inner = isSubrequest ? `, subrequest: "${octets(path)}"` : "";
  const source = upstream?.source ?? null;
  const passed = source === null ? "" : `, upstream: "${source.url}"`;
  const host = request.hostEnd > request.hostStart ? `, host: "${request.authority()}"` : "";
  return `${start}, server: ${server.name}${unicode(line + inner + passed + host)}`;
}
