/** The fields of a server's reply that the client gets. */
import type { Settings } from "../../config/model.ts";
import type { Exchange, Templates } from "../../exchange/exchange.ts";
import type { Field } from "../../exchange/reply.ts";
import { putField } from "../../http/reply/response.ts";
import { ReplyFields } from "./reply-fields.ts";

/** About the connection to the server, or about the framing there (RFC 9110 §7.6.1). The client's connection has its own. */
const OF_CONNECTION = [
  "connection",
  "content-length",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];
/** What nginx hides unless `proxy_pass_header` says otherwise. */
const HIDDEN = [
  "date",
  "server",
  "x-pad",
  "x-accel-expires",
  "x-accel-redirect",
  "x-accel-limit-rate",
  "x-accel-buffering",
  "x-accel-charset",
];

export class PassedFields {
  private readonly hidden: ReadonlySet<string>;
  private readonly rewriting: ReplyFields;

  constructor({ proxy, proxyOnly }: Settings, templates: Templates) {
    const hidden = new Set([...HIDDEN, ...proxy.hideHeaders].filter((name) => !proxy.passHeaders.includes(name)));
    this.hidden = new Set([...hidden, ...OF_CONNECTION]);
    this.rewriting = new ReplyFields(proxyOnly, templates);
  }

  /** @param fields as the server sent them */
  of(exchange: Exchange, fields: readonly Field[]): Field[] {
    return this.passed(exchange, fields, "");
  }

  /** As `of`, for 101: the client has to know to what the server has switched. */
  ofUpgrade(exchange: Exchange, fields: readonly Field[]): Field[] {
    return this.passed(exchange, fields, "upgrade");
  }

  private passed(exchange: Exchange, fields: readonly Field[], besides: string): Field[] {
    const passed: Field[] = [];
    for (const field of fields) {
      const lower = field[0].toLowerCase();
      if (this.hidden.has(lower) && lower !== besides) continue;
      const [name, value] = this.rewriting.rewritten(exchange, field);
      putField(passed, name, value);
    }
    return passed;
  }
}
