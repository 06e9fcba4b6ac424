/**
 * Resumable uploads by tus 1.0 (https://tus.io/protocols/resumable-upload): core, creation, termination and expiration. An
 * upload's URL is the location's path, the staging folder's name and the upload's id, which is the only key to it.
 */
import type { Location } from "../../../config/model.ts";
import { STAGING } from "../../../config/parts.ts";
import type { Exchange } from "../../../exchange/exchange.ts";
import type { BodySink, Handler } from "../../../exchange/handler.ts";
import type { Field } from "../../../exchange/reply.ts";
import { formatDate } from "../../../http/reply/date.ts";
import { encodePath } from "../../../http/request/target.ts";
import { uploadInteger } from "../../../http/tus.ts";
import type { HandlerServices } from "../../services.ts";
import { outOfBounds } from "../bounds.ts";
import { Failure } from "../failure.ts";
import type { StagedFile } from "../staged-file.ts";
import type { Store } from "../store.ts";
import { urlOf } from "../target.ts";
import { PatchSink } from "./patch.ts";
import { planOf } from "./plan.ts";
import { type Finished, TusUploads, type Upload } from "./uploads.ts";

const VERSION = "1.0.0";
const EXTENSIONS = "creation,termination,expiration";
const PART_TYPE = /^application\/offset\+octet-stream\s*(;|$)/i;
const ID = /^[0-9a-f]{32}$/;
/** Methods that are the protocol's only where the path is that of an upload. */
const ABOUT_ONE: readonly string[] = ["HEAD", "DELETE"];

/** Fields that have one value: of two, somebody on the way may believe the other. */
const SINGLE: readonly string[] = ["tus-resumable", "upload-length", "upload-offset", "x-http-method-override"];

/** Answers what speaks tus. */
export class TusHandler implements Handler {
  private readonly uploads: TusUploads;
  /** What comes before the ids in the uploads' paths. */
  private readonly base: string;

  constructor(
    private readonly location: Location,
    private readonly services: HandlerServices,
    private readonly store: Store,
  ) {
    const path = pathOf(location);
    this.base = `${path.endsWith("/") ? path : `${path}/`}${STAGING}/`;
    this.uploads = new TusUploads(services, store, location.settings);
  }

  start(): void {
    this.uploads.sweep();
  }

  sweep(): void {
    this.uploads.sweep();
  }

  close(): void {
    this.uploads.close();
  }

  optionsFields(): readonly Field[] {
    const most = this.location.settings.clientMaxBodySize;
    const fields: Field[] = [
      ["Tus-Resumable", VERSION],
      ["Tus-Version", VERSION],
      ["Tus-Extension", EXTENSIONS],
    ];
    if (most > 0) fields.push(["Tus-Max-Size", String(most)]);
    return fields;
  }

  claim(exchange: Exchange): this | null {
    return this.isTus(exchange) ? this : null;
  }

  sink(exchange: Exchange): BodySink | undefined {
    // Only a PATCH's body is wanted; any other is discarded, and `handle` answers.
    return methodOf(exchange) === "PATCH" && this.isUnderstood(exchange) ? this.patch(exchange) : undefined;
  }

  handle(exchange: Exchange): void {
    if (!this.isUnderstood(exchange)) return;
    const method = methodOf(exchange);
    if (method === "POST") this.create(exchange);
    else if (method === "HEAD") this.tell(exchange);
    else if (method === "DELETE") this.terminate(exchange);
    else this.patch(exchange)?.end();
  }

  /** Whether a request is one of the protocol: about an upload, as any PATCH, or a POST, which begins one or stands for another method. */
  private isTus(exchange: Exchange): boolean {
    if (exchange.request.fieldIndex("tus-resumable") < 0 || exchange.errorStatus !== 0) return false;
    const method = methodOf(exchange);
    if (method === "POST" || method === "PATCH") return true;
    return ABOUT_ONE.includes(method) && (exchange.method === "POST" || this.idOf(exchange) !== "");
  }

  /** Whether the client's version is ours, and nothing is said twice; else it was answered. */
  private isUnderstood(exchange: Exchange): boolean {
    exchange.addField("Tus-Resumable", VERSION);
    if (SINGLE.some((name) => exchange.request.fieldAll(name).length > 1)) {
      exchange.fail(400);
      return false;
    }
    if (exchange.request.field("tus-resumable") === VERSION) return true;
    exchange.fail(412, [["Tus-Version", VERSION]]);
    return false;
  }

  private create(exchange: Exchange): void {
    const plan = planOf(exchange, this.store);
    const upload = plan instanceof Failure ? plan : this.uploads.create(plan);
    if (upload instanceof Failure) return upload.tell(exchange);
    const location: Field = ["Location", encodePath(this.base) + upload.id];
    if (upload.length > 0) return exchange.reply(201, [location, expires(upload.expires)], null);
    const finished = this.complete(exchange, upload);
    if (!(finished instanceof Failure)) return exchange.reply(201, [location, this.fileOf(finished)], null);
    this.uploads.remove(upload.id);
    finished.tell(exchange);
  }

  /** HEAD: how far the upload is. One that has all its bytes, but could not be stored when the last one came, is stored now. */
  private tell(exchange: Exchange): void {
    exchange.addField("Cache-Control", "no-store");
    const found = this.find(exchange) ?? new Failure(404);
    if (found instanceof Failure) return found.tell(exchange);
    const offset: Field = ["Upload-Offset", String(found.offset)];
    const known = !("stored" in found) && found.offset === found.length ? this.complete(exchange, found) : found;
    if (known instanceof Failure) {
      exchange.addField(...offset);
      return known.tell(exchange);
    }
    const fields: Field[] = [
      offset,
      ["Upload-Length", String(known.length)],
      "stored" in known ? this.fileOf(known) : expires(known.expires),
    ];
    if (known.metadata !== "") fields.push(["Upload-Metadata", known.metadata]);
    exchange.reply(200, fields, null);
  }

  private terminate(exchange: Exchange): void {
    const id = this.idOf(exchange);
    this.uploads.takeOver(id);
    if (ID.test(id) && this.uploads.remove(id)) exchange.reply(204, [], null);
    else exchange.fail(404);
  }

  /** The sink of a PATCH; undefined: it was refused. */
  private patch(exchange: Exchange): BodySink | undefined {
    const offset = uploadInteger(exchange.request.field("upload-offset"));
    if (!PART_TYPE.test(exchange.request.field("content-type") ?? "")) return refuse(exchange, new Failure(415));
    if (offset === null) return refuse(exchange, new Failure(400));
    const upload = this.find(exchange) ?? new Failure(404);
    if (upload instanceof Failure) return refuse(exchange, upload);
    if (offset !== upload.offset) return refuse(exchange, new Failure(409));
    if (exchange.request.contentLength > upload.length - offset) return refuse(exchange, new Failure(413));
    if ("stored" in upload) return this.again(exchange, upload);
    const part = this.uploads.open(upload);
    if (part instanceof Failure) return refuse(exchange, part);
    part.expect(exchange.request.contentLength);
    return new PatchSink(exchange, this.services.uploads.in(part.staging), upload, part, this.completion);
  }

  /** A PATCH that comes once more, without a byte: the reply to the last one was lost. */
  private again(exchange: Exchange, finished: Finished): BodySink {
    return {
      accept(_block, start, end) {
        new Failure(413).tell(exchange);
        return end - start;
      },
      end: () => exchange.reply(204, [["Upload-Offset", String(finished.offset)], this.fileOf(finished)], null),
      abort() {},
    };
  }

  /** What a PATCH is answered when its bytes are there. */
  private readonly completion = (exchange: Exchange, upload: Upload, part: StagedFile): void => {
    const offset: Field = ["Upload-Offset", String(part.size)];
    if (part.size === upload.length) {
      const finished = this.finish(exchange, upload, part);
      if (finished instanceof Failure) finished.tell(exchange);
      else exchange.reply(204, [offset, this.fileOf(finished)], null);
      return;
    }
    part.pause();
    exchange.reply(204, [offset, expires(this.services.clock.second + upload.lifetime)], null);
  };

  private complete(exchange: Exchange, upload: Upload): Finished | Failure {
    const part = this.uploads.open(upload);
    return part instanceof Failure ? part : this.finish(exchange, upload, part);
  }

  /** What can't be stored now stays for another try. Whoever sends the last byte must be allowed to store the file, too. */
  private finish(exchange: Exchange, upload: Upload, part: StagedFile): Finished | Failure {
    const finished = outOfBounds(exchange, upload.target) ?? this.uploads.finish(upload, part);
    if (finished instanceof Failure) part.pause();
    return finished;
  }

  /** The upload that the path names, out of the hands of whoever was sending it. */
  private find(exchange: Exchange): Upload | Finished | Failure | null {
    const id = this.idOf(exchange);
    this.uploads.takeOver(id);
    return ID.test(id) ? (this.uploads.find(id) ?? this.uploads.whenFinished(id)) : null;
  }

  /** "": the path names none. */
  private idOf({ path }: Exchange): string {
    return path.startsWith(this.base) ? path.slice(this.base.length) : "";
  }

  private fileOf({ stored }: Finished): Field {
    return ["Content-Location", urlOf(this.location.settings.upload!, stored)];
  }
}

/** What the paths of all its uploads begin with, so that they come back to it; an expression, or an exact path, leaves that to its outer location. */
const pathOf = ({ modifier, pattern, settings }: Location): string =>
  modifier === "" || modifier === "^~" ? pattern : settings.upload!.prefix;

/** A POST can stand for what a client, or a proxy before it, has no method for. */
function methodOf({ method, request }: Exchange): string {
  return method === "POST" ? (request.field("x-http-method-override") ?? method) : method;
}

const expires = (second: number): Field => ["Upload-Expires", formatDate(second)];

function refuse(exchange: Exchange, failure: Failure): undefined {
  failure.tell(exchange);
}
