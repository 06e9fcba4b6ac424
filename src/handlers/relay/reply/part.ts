/** A range of a reply that its server has sent whole (nginx: proxy_force_ranges). */
import { ERRNO } from "../../../../ffi/errno.ts";
import type { Block } from "../../../../ffi/memory.ts";
import type { Exchange } from "../../../exchange/exchange.ts";
import type { Field, StreamBody } from "../../../exchange/reply.ts";
import { rangeApplies } from "../../../http/reply/conditional.ts";
import {
  type ByteRange,
  contentRange,
  parseRange,
  RANGE_UNSATISFIABLE,
  unsatisfiedRange,
} from "../../../http/reply/range.ts";
import type { RelayedBody } from "../reply-head.ts";
import { validatorsIn } from "./validators.ts";

/** Bytes of one read of what comes before the range. */
const PIECE = 64 * 1024;
/** Bytes that are read over in one turn. */
const SKIPPED_PER_TURN = 1024 * 1024;

/** Replies with all of `body` or the one range that the request asks for; with several it is all, as in nginx. */
export function replyWithRange(exchange: Exchange, fields: Field[], body: RelayedBody, length: number): void {
  const { request, services, settings } = exchange;
  const value = request.field("range");
  const now = services.clock.second;
  const validators = validatorsIn(fields, now);
  const ranges =
    value === undefined || !rangeApplies(request, validators, now) ? [] : parseRange(value, length, settings.maxRanges);
  if (ranges === RANGE_UNSATISFIABLE) {
    body.close();
    return exchange.fail(416, [["Content-Range", unsatisfiedRange(length)]]);
  }
  const [range] = ranges;
  const whole = typeof ranges === "string" || ranges.length !== 1 || range === undefined;
  if (whole) return exchange.reply(200, [...fields, ["Accept-Ranges", "bytes"]], body, { fromUpstream: true });
  const part = new Part(exchange, body, range as ByteRange);
  exchange.reply(206, [...fields, ["Content-Range", contentRange(range as ByteRange, length)]], part, {
    fromUpstream: true,
  });
}

/** The bytes of a stream from `start` to `end`. */
class Part implements StreamBody {
  readonly kind = "stream";
  readonly length: number;
  private before: number;

  constructor(
    private readonly exchange: Exchange,
    private readonly stream: RelayedBody,
    { start, end }: ByteRange,
  ) {
    this.before = start;
    this.length = end - start + 1;
  }

  read(block: Block, offset: number, length: number): number {
    const n = this.before > 0 ? this.skip() : 0;
    return n < 0 ? n : this.stream.read(block, offset, length); // the connection asks for no more than the part
  }

  /** Reads over what comes before the part. 0; -EAGAIN: it goes on later; another -errno: the reply was broken off. */
  private skip(): number {
    const { buffers } = this.stream.services;
    const block = buffers.take(PIECE);
    const stopAt = this.before - SKIPPED_PER_TURN;
    let n = 1;
    while (n > 0 && this.before > Math.max(0, stopAt)) {
      n = this.stream.read(block, 0, Math.min(PIECE, this.before));
      if (n > 0) this.before -= n;
    }
    buffers.release(block);
    if (n <= 0) return n === 0 ? -ERRNO.EIO : n;
    return this.before > 0 ? this.pause() : 0;
  }

  private pause(): number {
    this.exchange.resume();
    return -ERRNO.EAGAIN;
  }

  readAhead(): void {
    if (this.before === 0) this.stream.readAhead?.();
  }

  close(): void {
    this.stream.close();
  }
}
