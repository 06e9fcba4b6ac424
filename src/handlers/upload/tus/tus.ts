/**
 * Resumable uploads by tus 1.0 (https://tus.io/protocols/resumable-upload): the core protocol and the extensions below. An
 * upload's URL is the location's path and a name with the upload's random id. Everybody who knows the id may use the upload.
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
/** Methods that belong to tus only if the path is an upload's. */
const METHODS_OF_UPLOADS: readonly string[] = ["HEAD", "DELETE"];

/** Fields that may occur only once. With two, a proxy might use the other value. */
const SINGLE: readonly string[] = [
  "tus-resumable",
  "upload-length",
  "upload-defer-length",
  "upload-offset",
  "upload-concat",
  "upload-checksum",
  "x-http-method-override",
];

/** Handles requests that use tus. */
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

  /** Whether a request uses tus: PATCH, POST (a creation, or another method by X-HTTP-Method-Override), or HEAD and DELETE of an upload. */
  private isTus(exchange: Exchange): boolean {
    if (exchange.request.fieldIndex("tus-resumable") < 0 || exchange.errorStatus !== 0) return false;
    const method = methodOf(exchange);
    if (method === "POST" || method === "PATCH") return true;
    return METHODS_OF_UPLOADS.includes(method) && (exchange.method === "POST" || this.urls.has(exchange.path));
  }

  /** Checks the protocol's version and that no field occurs twice. False: an error reply was sent. */
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

  /** Handles a POST that creates an upload. The sink of its body; undefined: there is no body, or the request was refused. */
  private create(exchange: Exchange): BodySink | undefined {
    if (this.urls.has(exchange.path)) return refuse(exchange, new Failure(400));
    if (exchange.request.hasBody) return this.creation.sink(exchange);
    this.creation.begin(exchange);
    return undefined;
  }

  /** HEAD: replies with the upload's offset. If all bytes are there but the file could not be published before, tries it again. */
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
    this.uploads.interrupt(id);
    if (id !== "" && this.uploads.remove(id)) exchange.reply(204, [], null);
    else exchange.fail(404);
  }

  /** The sink of a PATCH; undefined: the request was refused. */
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
    return "stored" in found ? this.repeated(exchange, found) : this.append(exchange, found, length, checksum);
  }

  /** The sink that appends bytes. `length` is the whole file's; null: the client has not sent it yet. */
  private append(
    exchange: Exchange,
    found: Upload,
    length: number | null,
    checksum: Checksum | null,
  ): BodySink | undefined {
    const part = this.uploads.open(found);
    if (part instanceof Failure) return refuse(exchange, part);
    const upload = { ...found, length };
    const changes = length !== found.length || checksum !== null || found.limited;
    const refusal = changes ? this.uploads.update(upload, part, checksum === null ? null : found.offset) : null;
    if (refusal !== null) {
      part.pause();
      return refuse(exchange, refusal);
    }
    part.expect(exchange.request.contentLength);
    const most = length ?? mostBytes(this.location.settings);
    const activity = this.services.uploads.in(part.staging);
    return new PatchSink(exchange, activity, this.uploads, { upload, part, most, checksum, complete: this.completion });
  }

  /** The sink of a PATCH without bytes of a finished upload. A client sends it if it lost the reply to its last PATCH. */
  private repeated(exchange: Exchange, finished: Finished): BodySink {
    return {
      accept(_block, start, end) {
        new Failure(413).reply(exchange);
        return end - start;
      },
      end: () => exchange.reply(204, [offsetField(finished.offset), this.fileOf(finished)], null),
      abort() {},
    };
  }

  /** Replies to a PATCH whose bytes are written; publishes the file if they are the last ones. */
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

  /** Publishes the file, if this client may store it. After a failure the upload stays, and the client can try again. */
  private finish(exchange: Exchange, upload: Upload, part: StagedFile): Finished | Failure {
    const finished = outOfBounds(exchange, upload.target) ?? this.uploads.finish(upload, part);
    if (finished instanceof Failure) part.pause();
    return finished;
  }

  /** The upload that the path names. Interrupts another request that uses it. */
  private find({ path }: Exchange): Upload | Finished | Failure | null {
    const id = this.urls.id(path);
    this.uploads.interrupt(id);
    return id === "" ? null : (this.uploads.find(id) ?? this.uploads.findFinished(id));
  }

  private fileOf(finished: Finished): Field {
    return fileField(this.location.settings.upload!, finished);
  }
}

/** Whether an upload has all bytes of a file. */
const isFile = ({ offset, length, concat }: Upload): boolean => offset === length && concat === "";

/**
 * The length of an upload after a PATCH that may send it in `field` (tus 1.0, "Creation": once set, it must not change).
 * null: not sent yet; 400 if the field is malformed or contradicts the known length or offset.
 */
function lengthNow({ length, offset }: Upload | Finished, field: string | undefined): number | null | Failure {
  if (field === undefined) return length;
  const said = uploadInteger(field);
  return said === null || said < offset || said !== (length ?? said) ? new Failure(400) : said;
}

/**
 * Prefix of the paths of the location's uploads, chosen so that requests for them reach the location again. A regular expression
 * or an exact path does not match longer paths, so it uses the prefix of its outer location.
 */
const pathOf = ({ modifier, pattern, settings }: Location): string =>
  modifier === "" || modifier === "^~" ? pattern : settings.upload!.prefix;

/** The method. A POST can name another one in X-HTTP-Method-Override, for clients and proxies that do not support PATCH or DELETE. */
function methodOf({ method, request }: Exchange): string {
  return method === "POST" ? (request.field("x-http-method-override") ?? method) : method;
}
