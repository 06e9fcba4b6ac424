/** POST creates an upload (tus 1.0, "Creation" and "Creation With Upload"), or concatenates partial uploads ("Concatenation"). */
import type { Block } from "../../../../ffi/memory.ts";
import type { Settings } from "../../../config/model.ts";
import type { Exchange } from "../../../exchange/exchange.ts";
import type { BodySink } from "../../../exchange/handler.ts";
import type { Field } from "../../../exchange/reply.ts";
import { uploadConcat } from "../../../http/tus.ts";
import type { HandlerServices } from "../../services.ts";
import { outOfBounds } from "../bounds.ts";
import { Failure, storeFailure } from "../failure.ts";
import type { StagedFile } from "../staged-file.ts";
import type { Store } from "../store.ts";
import { Checksum } from "./checksum.ts";
import { Concatenation } from "./concatenation.ts";
import { mostBytes, planFor, planOf } from "./plan.ts";
import { expires, fileField, offsetField, refuse } from "./replies.ts";
import type { Plan, TusUploads, Upload } from "./uploads.ts";
import { idInUrl, type UploadUrls } from "./urls.ts";

/** The media type of an upload's bytes. */
export const PART_TYPE = /^application\/offset\+octet-stream\s*(;|$)/i;

export class Creation {
  constructor(
    private readonly services: HandlerServices,
    private readonly settings: Settings,
    private readonly store: Store,
    private readonly uploads: TusUploads,
    private readonly urls: UploadUrls,
  ) {}

  /** Handles a POST without a body. */
  begin(exchange: Exchange): void {
    const ids = this.partIds(exchange);
    if (ids instanceof Failure) return ids.reply(exchange);
    if (ids !== null) return this.concatenate(exchange, ids);
    const plan = planOf(exchange, this.store);
    if (plan instanceof Failure) return plan.reply(exchange);
    if (plan.length === 0 && plan.concat === "") return this.storeEmpty(exchange, plan);
    const upload = this.uploads.create(plan);
    if (upload instanceof Failure) return upload.reply(exchange);
    this.replyBegun(exchange, upload);
  }

  /** The sink of a POST that sends the first bytes, or all of them; undefined: the request was refused. */
  sink(exchange: Exchange): BodySink | undefined {
    const { request } = exchange;
    const ids = this.partIds(exchange);
    if (ids !== null) return refuse(exchange, ids instanceof Failure ? ids : new Failure(400)); // a final upload has no body
    if (!PART_TYPE.test(request.field("content-type") ?? "")) return refuse(exchange, new Failure(415));
    const checksum = Checksum.of(request.field("upload-checksum"));
    if (checksum instanceof Failure) return refuse(exchange, checksum);
    const plan = planOf(exchange, this.store);
    if (plan instanceof Failure) return refuse(exchange, plan);
    const most = plan.length ?? mostBytes(this.settings);
    if (request.contentLength > most) return refuse(exchange, new Failure(413));
    const staged = this.uploads.full() ?? this.store.stage();
    if (staged instanceof Failure) return refuse(exchange, staged);
    staged.expect(request.contentLength);
    return new CreationSink(exchange, staged, most, checksum, () => this.keep(exchange, plan, staged));
  }

  /**
   * Ids of the partial uploads to concatenate; null: the request is not a concatenation. 400 if Upload-Concat is malformed, names
   * an upload twice, or contradicts another field.
   */
  private partIds({ request }: Exchange): readonly string[] | Failure | null {
    const field = request.field("upload-concat");
    if (field === undefined) return null;
    const concat = uploadConcat(field);
    if (concat === "partial") return null;
    if (concat === null || request.fieldIndex("upload-length") >= 0) return new Failure(400);
    if (request.fieldIndex("upload-defer-length") >= 0) return new Failure(400);
    const ids = concat.map(idInUrl);
    return ids.includes("") || new Set(ids).size < ids.length ? new Failure(400) : ids;
  }

  /** Publishes the file if all bytes were received; otherwise makes an upload that can be resumed. */
  private keep(exchange: Exchange, plan: Plan, staged: StagedFile): void {
    const { size } = staged;
    if (size === plan.length && plan.concat === "") {
      this.storeWhole(exchange, plan, staged);
      return;
    }
    const upload = this.uploads.keep(plan, staged);
    if (upload instanceof Failure) return upload.reply(exchange);
    this.replyBegun(exchange, upload);
  }

  private storeEmpty(exchange: Exchange, plan: Plan): void {
    const staged = this.store.stage();
    if (staged instanceof Failure) staged.reply(exchange);
    else this.storeWhole(exchange, plan, staged);
  }

  /** Publishes the file and replies, if this client may store it. Gives whether it was published. */
  private storeWhole(exchange: Exchange, plan: Plan, staged: StagedFile, concat = ""): boolean {
    const id = this.services.randomHex(16);
    const stored = outOfBounds(exchange, plan.target) ?? this.uploads.publish(plan, id, staged, concat);
    if (stored instanceof Failure) {
      staged.abort();
      stored.reply(exchange);
      return false;
    }
    exchange.reply(
      201,
      [this.location(id), offsetField(stored.offset), fileField(this.settings.upload!, stored)],
      null,
    );
    return true;
  }

  private concatenate(exchange: Exchange, ids: readonly string[]): void {
    const parts = this.complete(ids);
    if (parts instanceof Failure) return parts.reply(exchange);
    const length = parts.reduce((sum, { offset }) => sum + offset, 0);
    const plan = planFor(exchange, this.store, length, "");
    const whole = plan instanceof Failure ? plan : this.store.stage();
    if (whole instanceof Failure) return whole.reply(exchange);
    whole.expect(length);
    const activity = this.services.uploads.in(whole.staging);
    const { kernel } = this.services;
    const complete = (): void => this.storeConcatenated(exchange, plan as Plan, whole, ids);
    this.services.uploads.large.add(new Concatenation(kernel, exchange, activity, parts, whole, complete));
  }

  /**
   * The partial uploads with these ids. Interrupts other requests that use them. 404: one does not exist; 409: one is not
   * complete; 400: one is not a partial upload.
   */
  private complete(ids: readonly string[]): readonly Upload[] | Failure {
    const parts: Upload[] = [];
    for (const id of ids) {
      this.uploads.interrupt(id);
      const found = this.uploads.find(id) ?? new Failure(404);
      if (found instanceof Failure) return found;
      if (found.concat !== "partial") return new Failure(400);
      if (found.offset !== found.length) return new Failure(409);
      parts.push(found);
    }
    return parts;
  }

  /** Publishes the file, and removes its parts after success. */
  private storeConcatenated(exchange: Exchange, plan: Plan, whole: StagedFile, ids: readonly string[]): void {
    const { staging } = whole;
    staging.retain();
    const concat = `final;${ids.map((id) => this.urls.of(id)).join(" ")}`;
    const stored = this.storeWhole(exchange, plan, whole, concat);
    if (stored) for (const id of ids) this.uploads.removeIn(staging, id);
    staging.release();
  }

  /** Replies 201 with Location. Upload-Offset is sent even if it is 0, because tus-js-client 4 needs it. */
  private replyBegun(exchange: Exchange, { id, offset, expires: second }: Upload): void {
    exchange.reply(201, [this.location(id), offsetField(offset), expires(second)], null);
  }

  private location(id: string): Field {
    return ["Location", this.urls.of(id)];
  }
}

/** Writes the bytes of a creation. The upload gets a URL only after the last byte, so an interrupted request leaves no file. */
class CreationSink implements BodySink {
  constructor(
    private readonly exchange: Exchange,
    private readonly staged: StagedFile,
    private readonly most: number,
    private readonly checksum: Checksum | null,
    private readonly complete: () => void,
  ) {}

  accept(block: Block, start: number, end: number): number {
    const length = end - start;
    const refusal = this.staged.size + length > this.most ? new Failure(413) : this.write(block, start, length);
    refusal?.reply(this.exchange);
    return length;
  }

  end(): void {
    const refusal = this.checksum?.failure() ?? null;
    if (refusal === null) return this.complete();
    this.abort();
    refusal.reply(this.exchange);
  }

  abort(): void {
    this.staged.abort();
  }

  private write(block: Block, start: number, length: number): Failure | null {
    this.checksum?.update(block, start, length);
    const n = this.staged.write(block, start, length);
    return n < 0 ? storeFailure(n, "write() of an upload that begins") : null;
  }
}
