/**
 * Resumable uploads by tus 1.0 (https://tus.io/protocols/resumable-upload): core and the extensions below. An upload's URL is
 * the location's path and a name with the upload's id, which is the only key to it.
 */
import type { Location } from "../../../config/model.ts";
import type { Exchange } from "../../../exchange/exchange.ts";
import type { BodySink, Handler } from "../../../exchange/handler.ts";
import type { Field } from "../../../exchange/reply.ts";
import { uploadInteger } from "../../../http/tus.ts";
import type { HandlerServices } from "../../services.ts";
import { outOfBounds } from "../bounds.ts";
import { Failure } from "../failure.ts";
import type { StagedFile } from "../staged-file.ts";
import type { Store } from "../store.ts";
import { ALGORITHMS, Checksum } from "./checksum.ts";
import { Creation, PART_TYPE } from "./creation.ts";
import type { Finished } from "./finished.ts";
import { PatchSink } from "./patch.ts";
import { mostBytes } from "./plan.ts";
import { expires, fileField, offsetField, refuse } from "./replies.ts";
import { TusUploads, type Upload } from "./uploads.ts";
import { UploadUrls } from "./urls.ts";

const VERSION = "1.0.0";
const EXTENSIONS = "creation,creation-with-upload,creation-defer-length,termination,expiration,checksum,concatenation";
/** Methods that are the protocol's only where the path is that of an upload. */
const ABOUT_ONE: readonly string[] = ["HEAD", "DELETE"];

/** Fields that have one value: of two, somebody on the way may believe the other. */
const SINGLE: readonly string[] = [
  "tus-resumable",
  "upload-length",
  "upload-defer-length",
  "upload-offset",
  "upload-concat",
  "upload-checksum",
  "x-http-method-override",
];

/** Answers what speaks tus. */
export class TusHandler implements Handler {
  private readonly uploads: TusUploads;
  private readonly urls: UploadUrls;
  private readonly creation: Creation;

  constructor(
    private readonly location: Location,
    private readonly services: HandlerServices,
    store: Store,
  ) {
    const { settings } = location;
    this.urls = new UploadUrls(pathOf(location));
    this.uploads = new TusUploads(services, store, settings);
    this.creation = new Creation(services, settings, store, this.uploads, this.urls);
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
      ["Tus-Checksum-Algorithm", ALGORITHMS],
    ];
    if (most > 0) fields.push(["Tus-Max-Size", String(most)]);
    return fields;
  }

  claim(exchange: Exchange): this | null {
    return this.isTus(exchange) ? this : null;
  }

  sink(exchange: Exchange): BodySink | undefined {
    const method = methodOf(exchange);
    if (method !== "PATCH" && method !== "POST") return undefined; // the body is discarded, and `handle` answers
    if (!this.isUnderstood(exchange)) return undefined;
    return method === "PATCH" ? this.patch(exchange) : this.create(exchange);
  }

  handle(exchange: Exchange): void {
    if (!this.isUnderstood(exchange)) return;
    const method = methodOf(exchange);
    if (method === "POST") this.create(exchange)?.end();
    else if (method === "HEAD") this.head(exchange);
    else if (method === "DELETE") this.terminate(exchange);
    else this.patch(exchange)?.end();
  }

  /** Whether a request is one of the protocol: about an upload, as any PATCH, or a POST, which begins one or stands for another method. */
  private isTus(exchange: Exchange): boolean {
    if (exchange.request.fieldIndex("tus-resumable") < 0 || exchange.errorStatus !== 0) return false;
    const method = methodOf(exchange);
    if (method === "POST" || method === "PATCH") return true;
    return ABOUT_ONE.includes(method) && (exchange.method === "POST" || this.urls.has(exchange.path));
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

  /** The sink of the first bytes, if some are announced; undefined: it was answered. */
  private create(exchange: Exchange): BodySink | undefined {
    if (this.urls.has(exchange.path)) return refuse(exchange, new Failure(400));
    if (exchange.request.hasBody) return this.creation.sink(exchange);
    this.creation.begin(exchange);
    return undefined;
  }

  /** HEAD: how far the upload is. One that has all its bytes, but could not be stored when the last one came, is stored now. */
  private head(exchange: Exchange): void {
    exchange.addField("Cache-Control", "no-store");
    const found = this.find(exchange) ?? new Failure(404);
    if (found instanceof Failure) return found.reply(exchange);
    const offset = offsetField(found.offset);
    const known = !("stored" in found) && isFile(found) ? this.complete(exchange, found) : found;
    if (known instanceof Failure) {
      exchange.addField(...offset);
      return known.reply(exchange);
    }
    exchange.reply(200, [offset, ...this.about(known)], null);
  }

  private about(known: Upload | Finished): readonly Field[] {
    const { length, metadata, concat } = known;
    const fields: Field[] = [
      length === null ? ["Upload-Defer-Length", "1"] : ["Upload-Length", String(length)],
      "stored" in known ? this.fileOf(known) : expires(known.expires),
    ];
    if (metadata !== "") fields.push(["Upload-Metadata", metadata]);
    if (concat !== "") fields.push(["Upload-Concat", concat]);
    return fields;
  }

  private terminate(exchange: Exchange): void {
    const id = this.urls.id(exchange.path);
    this.uploads.takeOver(id);
    if (id !== "" && this.uploads.remove(id)) exchange.reply(204, [], null);
    else exchange.fail(404);
  }

  /** The sink of a PATCH; undefined: it was refused. */
  private patch(exchange: Exchange): BodySink | undefined {
    const { request } = exchange;
    const offset = uploadInteger(request.field("upload-offset"));
    if (!PART_TYPE.test(request.field("content-type") ?? "")) return refuse(exchange, new Failure(415));
    const checksum = Checksum.of(request.field("upload-checksum"));
    if (offset === null) return refuse(exchange, new Failure(400));
    if (checksum instanceof Failure) return refuse(exchange, checksum);
    const found = this.find(exchange) ?? new Failure(404);
    if (found instanceof Failure) return refuse(exchange, found);
    if (found.concat.startsWith("final")) return refuse(exchange, new Failure(403)); // tus 1.0, "Concatenation"
    if (offset !== found.offset) return refuse(exchange, new Failure(409));
    const length = lengthNow(found, request.field("upload-length"));
    if (length instanceof Failure) return refuse(exchange, length);
    const most = mostBytes(this.location.settings);
    if (length !== found.length && (length ?? 0) > most) return refuse(exchange, new Failure(413));
    if (request.contentLength > (length ?? most) - offset) return refuse(exchange, new Failure(413));
    return "stored" in found ? this.again(exchange, found) : this.goOn(exchange, found, length, checksum);
  }

  /** Takes more bytes; `length` is that of the whole file, if the client has said it by now. */
  private goOn(
    exchange: Exchange,
    found: Upload,
    length: number | null,
    checksum: Checksum | null,
  ): BodySink | undefined {
    const part = this.uploads.open(found);
    if (part instanceof Failure) return refuse(exchange, part);
    const upload = { ...found, length };
    const changes = length !== found.length || checksum !== null || found.limited;
    const refusal = changes ? this.uploads.note(upload, part, checksum === null ? null : found.offset) : null;
    if (refusal !== null) {
      part.pause();
      return refuse(exchange, refusal);
    }
    part.expect(exchange.request.contentLength);
    const most = length ?? mostBytes(this.location.settings);
    const activity = this.services.uploads.in(part.staging);
    return new PatchSink(exchange, activity, this.uploads, { upload, part, most, checksum, complete: this.completion });
  }

  /** A PATCH that comes once more, without a byte: the reply to the last one was lost. */
  private again(exchange: Exchange, finished: Finished): BodySink {
    return {
      accept(_block, start, end) {
        new Failure(413).reply(exchange);
        return end - start;
      },
      end: () => exchange.reply(204, [offsetField(finished.offset), this.fileOf(finished)], null),
      abort() {},
    };
  }

  /** What a PATCH is answered when its bytes are there. */
  private readonly completion = (exchange: Exchange, upload: Upload, part: StagedFile): void => {
    const offset = offsetField(part.size);
    if (isFile({ ...upload, offset: part.size })) {
      const finished = this.finish(exchange, upload, part);
      if (finished instanceof Failure) finished.reply(exchange);
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

  /** The upload that the path names, out of the hands of whoever was using it. */
  private find({ path }: Exchange): Upload | Finished | Failure | null {
    const id = this.urls.id(path);
    this.uploads.takeOver(id);
    return id === "" ? null : (this.uploads.find(id) ?? this.uploads.whenFinished(id));
  }

  private fileOf(finished: Finished): Field {
    return fileField(this.location.settings.upload!, finished);
  }
}

/** Whether an upload has all bytes of a file. */
const isFile = ({ offset, length, concat }: Upload): boolean => offset === length && concat === "";

/**
 * The length of an upload with a PATCH that may say it (tus 1.0, "Creation": it is said once, and never changes).
 * null: it is still to be said; 400 where it contradicts what is known.
 */
function lengthNow({ length, offset }: Upload | Finished, field: string | undefined): number | null | Failure {
  if (field === undefined) return length;
  const said = uploadInteger(field);
  return said === null || said < offset || said !== (length ?? said) ? new Failure(400) : said;
}

/** What the paths of all its uploads begin with, so that they come back to it; an expression, or an exact path, leaves that to its outer location. */
const pathOf = ({ modifier, pattern, settings }: Location): string =>
  modifier === "" || modifier === "^~" ? pattern : settings.upload!.prefix;

/** A POST can stand for what a client, or a proxy before it, has no method for. */
function methodOf({ method, request }: Exchange): string {
  return method === "POST" ? (request.field("x-http-method-override") ?? method) : method;
}
