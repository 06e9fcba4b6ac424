/** `stub_status` (ngx_http_stub_status_module): counts of connections and requests, in the form that monitoring programs read. */
import type { Exchange } from "../exchange/exchange.ts";
import type { Handler } from "../exchange/handler.ts";

export class StubStatusHandler implements Handler {
  handle(exchange: Exchange): void {
    const { active, accepted, requests, reading, writing, waiting } = exchange.services.connections.counts();
    const text = [
      `Active connections: ${active} `,
      "server accepts handled requests",
      ` ${accepted} ${accepted} ${requests} `,
      `Reading: ${reading} Writing: ${writing} Waiting: ${waiting} `,
      "",
    ].join("\n");
    exchange.reply(200, [["Content-Type", "text/plain"]], Buffer.from(text));
  }
}
