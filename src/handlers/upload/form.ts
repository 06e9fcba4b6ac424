/** multipart/form-data (RFC 7578): each file of a form is written to the staging folder; all are published when the form is complete. */
import { Block } from "../../../ffi/memory.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import type { BodySink } from "../../exchange/handler.ts";
import { boundaryOf, MultipartParser, PART_BEGIN, PART_DATA, PART_END } from "../../http/body/multipart.ts";
import { outOfBounds } from "./bounds.ts";
import { conditionFails } from "./checks.ts";
import { Failure, failure } from "./failure.ts";
import { generatedName, reducedName } from "./names.ts";
import { replyStored } from "./reply.ts";
import type { StagedFile } from "./staged-file.ts";
import type { NamedFile, Store } from "./store.ts";
import { requestTarget } from "./target.ts";

/** Most parser events (begin, data or end of a part) handled in one turn of the loop, so that other connections do not wait. */
const EVENTS_PER_TURN = 256;
/** Most parts of a form besides its files. They are discarded, but parsing each head takes time. */
const MOST_FIELDS = 1000;
/** Most bytes the parser holds back: a delimiter is a line end, two hyphens and at most 70 characters (RFC 2046 §5.1.1). */
const MOST_HELD = 128;

/** Whether Content-Type says that the body is a form. */
export const isForm = (exchange: Exchange): boolean =>
  /^multipart\/form-data\s*(;|$)/i.test(exchange.request.field("content-type") ?? "");

/** The sink of a form that is posted to a folder of the store; undefined: the request was refused. */
export function sinkOfForm(exchange: Exchange, store: Store): FormSink | undefined {
  const boundary = boundaryOf(exchange.request.field("content-type") ?? "");
  const target = requestTarget(exchange.settings, exchange.path);
  const folders = target === null ? null : [...target.folders, target.name].filter((name) => name !== "");
  const refusal = boundary === null || folders === null ? new Failure(400) : store.checkFolder(folders);
  if (refusal === null) return new FormSink(exchange, store, folders!, new MultipartParser(boundary!));
  refusal.reply(exchange);
  return undefined;
}

class FormSink implements BodySink {
  private readonly files: NamedFile[] = [];
  /** The file that is being received; null: the current part is not a file, or no byte of it has been received. */
  private current: StagedFile | null = null;
  private parts = 0;
  /** Holds bytes to write that looked like the beginning of a delimiter. They are in the parser's memory, which libc must not see. */
  private held: Block | null = null;
  /** Number of bytes of the body before those passed to the current `accept`. */
  private seen = 0;
  fileStart = 0;

  constructor(
    private readonly exchange: Exchange,
    private readonly store: Store,
    private readonly folders: readonly string[],
    private readonly parser: MultipartParser,
  ) {}

  accept(block: Block, start: number, end: number): number {
    const { parser } = this;
    let failed: Failure | null = null;
    let event = parser.next(block.bytes, start, end);
    for (let events = 1; event > 0 && failed === null; events++) {
      if (event === PART_BEGIN) this.fileStart = this.seen + parser.position - start;
      failed = this.take(event, block);
      if (failed === null && events === EVENTS_PER_TURN) return this.pause(parser.position - start);
      if (failed === null) event = parser.next(block.bytes, parser.position, end);
    }
    if (event < 0) failed = new Failure(-event, `malformed form: ${parser.reason}`, "info");
    failed?.reply(this.exchange);
    this.seen += end - start;
    return end - start;
  }

  private pause(taken: number): number {
    this.seen += taken;
    this.exchange.resume();
    return taken;
  }

  end(): void {
    const stored = this.publish();
    if (!(stored instanceof Failure)) return replyStored(this.exchange, this.folders, stored);
    this.abort();
    stored.reply(this.exchange);
  }

  abort(): void {
    for (const { staged } of this.files) staged.abort();
  }

  private take(event: number, block: Block): Failure | null {
    switch (event) {
      case PART_BEGIN:
        return this.partBegin();
      case PART_DATA:
        return this.parser.part.filename === null ? null : this.data(block);
      case PART_END:
        return this.partEnd();
      default:
        return null;
    }
  }

  private partBegin(): Failure | null {
    this.current = null;
    const most = this.exchange.settings.uploadMaxFiles + MOST_FIELDS;
    return ++this.parts > most ? new Failure(413, `a form of more than ${most} parts`, "info") : null;
  }

  private data(block: Block): Failure | null {
    const refusal = this.current === null ? this.openFile() : null;
    if (refusal !== null) return refusal;
    const { bytes, dataStart, dataEnd } = this.parser;
    if (bytes === block.bytes) return this.write(block, dataStart, dataEnd - dataStart);
    this.held ??= new Block(MOST_HELD);
    bytes.copy(this.held.bytes, 0, dataStart, dataEnd);
    return this.write(this.held, 0, dataEnd - dataStart);
  }

  private write(block: Block, start: number, length: number): Failure | null {
    const n = this.current!.write(block, start, length);
    return n < 0 ? failure(n, `write() a file in "${this.store.path}"`) : null;
  }

  /**
   * Closes the file of the part, so that a form needs one descriptor however many files it has. A part with an empty file name
   * and no content is not a file: browsers send it if no file was chosen (HTML, "multipart/form-data encoding").
   */
  private partEnd(): Failure | null {
    const { filename } = this.parser.part;
    const empty = this.current === null && filename !== null && filename !== "";
    const refusal = empty ? this.openFile() : null;
    if (refusal !== null || this.current === null) return refusal;
    const n = this.current.finish();
    this.current = null;
    return n < 0 ? failure(n, `close() a file in "${this.store.path}"`) : null;
  }

  private openFile(): Failure | null {
    const { settings, services } = this.exchange;
    if (this.files.length >= settings.uploadMaxFiles)
      return new Failure(413, "more files than upload_max_files", "info");
    const name = reducedName(this.parser.part.filename!) || generatedName(services);
    const staged = outOfBounds(this.exchange, { folders: this.folders, name }) ?? this.store.stage();
    if (staged instanceof Failure) return staged;
    staged.expect(this.exchange.request.contentLength - this.seen); // the file is not longer than the rest of the body; below 0: not known
    this.files.push({ staged, name });
    this.current = staged;
    return null;
  }

  private publish() {
    if (!this.parser.complete) return new Failure(400, "a form without its closing delimiter", "info");
    if (this.files.length === 0) return new Failure(400, "a form without a file", "info");
    for (const { name } of this.files) {
      const failed = conditionFails(this.exchange, this.store, { folders: this.folders, name });
      if (failed !== null) return failed;
    }
    const stored = this.store.publish(this.files, this.folders, this.exchange.settings.uploadOverwrite, false);
    if (stored instanceof Failure) return stored;
    return stored.map(({ name }, i) => ({ name, size: this.files[i]!.staged.size }));
  }
}
