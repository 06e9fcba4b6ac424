/** Bodies that are one file as they are: PUT, and POST of anything but a form (RFC 9110 §9.3.3, §9.3.4). */
import type { Block } from "../../../ffi/memory.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import type { BodySink } from "../../exchange/handler.ts";
import { outOfBounds } from "./bounds.ts";
import { conditionFails, obstacle } from "./checks.ts";
import { Failure, failure } from "./failure.ts";
import { generatedName } from "./names.ts";
import { replyStored } from "./reply.ts";
import type { Overwrite, StagedFile, Stored } from "./staged-file.ts";
import type { Store } from "./store.ts";
import { pathOf, requestTarget, type Target } from "./target.ts";

/** The sink of a PUT, after all that can be known before the body was looked at; undefined: it was refused. */
export function sinkOfPut(exchange: Exchange, store: Store): FileSink | undefined {
  const target = requestTarget(exchange.settings, exchange.path);
  // A part of a file would replace all of it (RFC 9110 §14.5).
  if (target === null || target.name === "" || exchange.request.fieldIndex("content-range") >= 0) {
    return tell(exchange, new Failure(400));
  }
  const overwrite = exchange.settings.uploadOverwrite === "refuse" ? "refuse" : "replace";
  const refusal = obstacle(store, target, overwrite) ?? conditionFails(exchange, store, target);
  return refusal === null ? begin(exchange, store, target, overwrite) : tell(exchange, refusal);
}

/** The same for a POST; a file without a name gets one. */
export function sinkOfPost(exchange: Exchange, store: Store): FileSink | undefined {
  const { uploadOverwrite } = exchange.settings;
  const asked = requestTarget(exchange.settings, exchange.path);
  // What has neither a name nor a byte is no upload.
  if (asked === null || (asked.name === "" && !exchange.request.hasBody)) return tell(exchange, new Failure(400));
  const target = asked.name === "" ? { ...asked, name: generatedName(exchange.services) } : asked;
  const taken = uploadOverwrite === "rename" ? null : obstacle(store, target, uploadOverwrite);
  const failed = conditionFails(exchange, store, target);
  const refusal = taken ?? failed ?? outOfBounds(exchange, target) ?? store.lacks(target.folders);
  return refusal === null ? begin(exchange, store, target, uploadOverwrite) : tell(exchange, refusal);
}

function tell(exchange: Exchange, refusal: Failure): undefined {
  refusal.tell(exchange);
}

function begin(exchange: Exchange, store: Store, target: Target, overwrite: Overwrite): FileSink | undefined {
  const staged = store.stage();
  if (staged instanceof Failure) return tell(exchange, staged);
  staged.expect(exchange.request.contentLength);
  return new FileSink(exchange, store, staged, target, overwrite, exchange.method === "PUT");
}

/** Writes the body from the block it was received in: nothing is copied in this process. */
class FileSink implements BodySink {
  constructor(
    private readonly exchange: Exchange,
    private readonly store: Store,
    private readonly staged: StagedFile,
    private readonly target: Target,
    private readonly overwrite: Overwrite,
    /** PUT makes folders that are missing, and tells a file that is new from one that was replaced. */
    private readonly isPut: boolean,
  ) {}

  accept(block: Block, start: number, end: number): number {
    const n = this.staged.write(block, start, end - start);
    if (n < 0) failure(n, `write() "${this.store.path}/${pathOf(this.target)}"`).tell(this.exchange);
    return end - start;
  }

  end(): void {
    const stored = this.appear();
    if (stored instanceof Failure) {
      this.abort();
      return stored.tell(this.exchange);
    }
    if (this.isPut && !stored.created) return this.exchange.reply(204, [], null);
    replyStored(this.exchange, this.target.folders, [{ name: stored.name, size: this.staged.size }]);
  }

  abort(): void {
    this.staged.abort();
  }

  /** The conditions count when the file changes, which may be long after the request came. */
  private appear(): Stored | Failure {
    const { store, staged, target, overwrite, isPut } = this;
    const refusal = conditionFails(this.exchange, store, target);
    if (refusal !== null) return refusal;
    const stored = store.appear([{ staged, name: target.name }], target.folders, overwrite, isPut);
    return stored instanceof Failure ? stored : stored[0]!;
  }
}
