/** `mirror` and `mirror_request_body` (ngx_http_mirror_module): copies of a request go to other locations, and what they reply does not matter. */
import type { Settings } from "../../config/model.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import type { BodySink } from "../../exchange/handler.ts";
import { GO_ON, type Phase } from "../../exchange/phase.ts";
import { Spool } from "../relay/spool.ts";
import type { HandlerServices } from "../services.ts";
import type { SubrequestBody } from "./subrequest.ts";

type Rules = Pick<Settings, "mirror" | "mirrorRequestBody">;

const PIECE = 64 * 1024;

/** The phase of `mirror`. Without a body the copies start at once, else when the whole body has come; the request itself does not wait for them. */
export function mirror({ mirror, mirrorRequestBody }: Rules, services: HandlerServices): Phase {
  const start = (exchange: Exchange, bodies: readonly SubrequestBody[] | null): void => {
    const { query, method } = exchange;
    for (const [i, uri] of mirror.entries()) {
      services.subrequests.start(exchange, { uri, query, method, body: bodies?.[i] ?? null }, null);
    }
  };
  return (exchange) => {
    if (exchange.isSubrequest) return GO_ON;
    if (!mirrorRequestBody || !exchange.request.hasBody) start(exchange, null);
    else {
      exchange.bodyWatcher = new Spool(exchange, services.buffers, (spool) => {
        const kept = new KeptBody(spool, services, mirror.length);
        start(
          exchange,
          mirror.map(() => kept),
        );
      });
    }
    return GO_ON;
  };
}

/** A body in memory or in a file without a name, for several readers. */
class KeptBody implements SubrequestBody {
  readonly length: number;

  constructor(
    private readonly spool: Spool,
    private readonly services: HandlerServices,
    private readers: number,
  ) {
    this.length = spool.length;
  }

  pass(sink: BodySink, position: number): number {
    const { memory, fd } = this.spool;
    if (fd < 0) return memory.show(position, (block, offset, length) => sink.accept(block, offset, offset + length));
    const { kernel, buffers } = this.services;
    const block = buffers.take(PIECE);
    const n = kernel.read(fd, block, 0, PIECE, position);
    const taken = n > 0 ? sink.accept(block, 0, n) : n;
    buffers.release(block);
    return taken;
  }

  release(): void {
    if (--this.readers > 0) return;
    if (this.spool.fd >= 0) this.services.kernel.close(this.spool.fd);
    this.spool.memory.release();
  }
}
