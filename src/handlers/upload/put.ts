/** Requests whose body is the content of one file: PUT, and POST of anything but a form (RFC 9110 §9.3.3, §9.3.4). */
import type { Block } from "../../../ffi/memory.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import type { BodySink } from "../../exchange/handler.ts";
import type { Field } from "../../exchange/reply.ts";
import { outOfBounds } from "./bounds.ts";
import { conditionFails, obstacle } from "./checks.ts";
import { Failure, failure } from "./failure.ts";
import { generatedName } from "./names.ts";
import { replyStored } from "./reply.ts";
import type { Overwrite, StagedFile, Stored } from "./staged-file.ts";
import type { Store } from "./store.ts";
import { pathOf, requestTarget, type Target } from "./target.ts";

/** Makes every check of a PUT that does not need the body, then gives its sink; undefined: the request was refused. */
export function sinkOfPut(exchange: Exchange, store: Store): FileSink | undefined {
  const target = requestTarget(exchange.settings, exchange.path);
  // Content-Range: the body is a part of a file, and would replace the whole file (RFC 9110 §14.5).
  if (target === null || target.name === "" || exchange.request.fieldIndex("content-range") >= 0) {
    return refuse(exchange, new Failure(400));
  }
  const overwrite = exchange.settings.uploadOverwrite === "refuse" ? "refuse" : "replace";
  const refusal = obstacle(store, target, overwrite) ?? conditionFails(exchange, store, target);
  return refusal === null ? begin(exchange, store, target, overwrite) : refuse(exchange, refusal);
}

/** The same for a POST. If the path has no file name, one is generated. */
export function sinkOfPost(exchange: Exchange, store: Store): FileSink | undefined {
  const { uploadOverwrite } = exchange.settings;
  const asked = requestTarget(exchange.settings, exchange.path);
  // A request without a file name and without a body is not an upload.
  if (asked === null || (asked.name === "" && !exchange.request.hasBody)) return refuse(exchange, new Failure(400));
  const target = asked.name === "" ? { ...asked, name: generatedName(exchange.services) } : asked;
  const taken = uploadOverwrite === "rename" ? null : obstacle(store, target, uploadOverwrite);
  const failed = conditionFails(exchange, store, target);
  const refusal = taken ?? failed ?? outOfBounds(exchange, target) ?? store.checkFolder(target.folders);
  return refusal === null ? begin(exchange, store, target, uploadOverwrite) : refuse(exchange, refusal);
}

function refuse(exchange: Exchange, refusal: Failure): undefined {
  refusal.reply(exchange);
}

function begin(exchange: Exchange, store: Store, target: Target, overwrite: Overwrite): FileSink | undefined {
  const staged = store.stage();
  if (staged instanceof Failure) return refuse(exchange, staged);
  staged.expect(exchange.request.contentLength);
  // PUT creates missing folders, and its reply distinguishes a new file (201) from a replaced one (204).
  const isPut = exchange.method === "PUT";
  return new FileSink(exchange, store, staged, target, {
    overwrite,
    makesFolders: isPut,
    reply({ name, created }, size) {
      if (isPut && !created) return exchange.reply(204, [], null);
      replyStored(exchange, target.folders, [{ name, size }]);
    },
  });
}

/** What becomes of a body that is complete. */
interface Publishing {
  readonly overwrite: Overwrite;
  /** Whether missing folders are created. */
  readonly makesFolders: boolean;
  /** Called when all bytes are written. null: the file may be published; else what replies that it may not. */
  refusal?(): (() => void) | null;
  /** Called then, before the file gets its name; gives fields for the reply. */
  complete?(): readonly Field[];
  /** Replies about the published file of `size` bytes. */
  reply(stored: Stored, size: number, fields: readonly Field[]): void;
}

/** Writes the body from the block into which it was received, so that this process copies nothing. */
export class FileSink implements BodySink {
  constructor(
    private readonly exchange: Exchange,
    private readonly store: Store,
    private readonly staged: StagedFile,
    private readonly target: Target,
    private readonly how: Publishing,
  ) {}

  accept(block: Block, start: number, end: number): number {
    const n = this.staged.write(block, start, end - start);
    if (n < 0) failure(n, `write() "${this.store.path}/${pathOf(this.target)}"`).reply(this.exchange);
    return end - start;
  }

  end(): void {
    const refuse = this.how.refusal?.() ?? null;
    if (refuse !== null) {
      this.abort();
      return refuse();
    }
    const fields = this.how.complete?.() ?? [];
    const stored = this.publish();
    if (stored instanceof Failure) {
      this.abort();
      return stored.reply(this.exchange);
    }
    this.how.reply(stored, this.staged.size, fields);
  }

  abort(): void {
    this.staged.abort();
  }

  /** Publishes the file. Checks the preconditions again, because the target may have changed while the body was received. */
  private publish(): Stored | Failure {
    const { store, staged, target } = this;
    const { overwrite, makesFolders } = this.how;
    const refusal = conditionFails(this.exchange, store, target);
    if (refusal !== null) return refusal;
    const stored = store.publish([{ staged, name: target.name }], target.folders, overwrite, makesFolders);
    return stored instanceof Failure ? stored : stored[0]!;
  }
}
