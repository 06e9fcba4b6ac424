/** A message of the error log about a request, as nginx writes it. */
import type { Exchange } from "../exchange/exchange.ts";
import { octets, unicode } from "../http/octets.ts";

/** Most characters of each part that a client, a script or a `rewrite` can make long. nginx cuts the whole line at 2048 bytes. */
const LONGEST = 16 * 1024;

const cut = (text: string): string => (text.length <= LONGEST ? text : `${text.slice(0, LONGEST)}...`);

/** `message` with the number of the connection and the client; unless `brief`, also server, request line, upstream and host. */
export function errorLine(
  { request, connection, server, upstream, isSubrequest, path }: Exchange,
  message: string,
  brief: boolean,
): string {
  const start = `*${connection.number} ${cut(message)}, client: ${connection.remoteAddress}`;
  if (brief) return start;
  const asked = request.requestLine();
  const line = asked === "" ? "" : `, request: "${cut(asked)}"`;
  const inner = isSubrequest ? `, subrequest: "${cut(octets(path))}"` : "";
  const source = upstream?.source ?? null;
  const passed = source === null ? "" : `, upstream: "${cut(source.url)}"`;
  const host = request.hostEnd > request.hostStart ? `, host: "${cut(request.authority())}"` : "";
  return `${start}, server: ${server.name}${unicode(line + inner + passed + host)}`;
}
