/** The content handlers of a location, made once, by the rows of src/routing/answering.ts. */
import type { Location } from "../config/model.ts";
import type { Handler } from "../exchange/handler.ts";
import { ANSWERERS, type Answerer, allowValue, answerersOf, methodsOf } from "../routing/answering.ts";
import { isExempt } from "./access.ts";
import { CgiHandler } from "./cgi/cgi.ts";
import { DavExtHandler, DavHandler } from "./dav/dav.ts";
import { DavLocation } from "./dav/location.ts";
import { EmptyGifHandler } from "./empty-gif.ts";
import { DeleteHandler } from "./files/delete.ts";
import { StaticHandler } from "./files/static.ts";
import { TryFilesHandler } from "./files/try-files.ts";
import { GatewayHandler } from "./gateway/handler.ts";
import { ReturnHandler } from "./return.ts";
import type { HandlerServices } from "./services.ts";
import { SessionApiHandler } from "./session/api.ts";
import { StubStatusHandler } from "./stub-status.ts";
import { Store } from "./upload/store.ts";
import { TusHandler } from "./upload/tus/tus.ts";
import { UploadHandler } from "./upload/upload.ts";

/** A content handler, and the methods that it answers in its location. */
export class Content {
  /** null: any. */
  private readonly methods: readonly string[] | null;
  private readonly takesGet: boolean;
  /** The value of Allow when this handler answers. */
  readonly allow: string;

  constructor(
    readonly handler: Handler,
    private readonly answerer: Answerer,
    { settings }: Location,
  ) {
    this.methods = methodsOf(answerer, settings);
    this.takesGet = this.methods === null || this.methods.includes("GET");
    this.allow = allowValue(settings, answerer);
  }

  get name(): Answerer["name"] {
    return this.answerer.name;
  }

  allows(method: string): boolean {
    if (method === "GET") return this.takesGet;
    return this.methods === null || this.methods.includes(this.answerer.judgedAs ?? method);
  }
}

/**
 * The content handlers of a location, in order. Once the phases have admitted a request, the first that claims it answers it.
 * @param serverName servers with the same name share sessions
 */
export function contentsOf(location: Location, services: HandlerServices, serverName = ""): readonly Content[] {
  const makers = makersFor(location, services, serverName);
  const rest = answerersOf(location.settings).flatMap((answerer) => {
    const handler = makers[answerer.name]();
    return handler === null ? [] : [new Content(handler, answerer, location)];
  });
  return [...limitedContents(location, services), ...rest];
}

/** A `*_pass` in `limit_except` answers the methods that are not excepted. */
function limitedContents(location: Location, services: HandlerServices): readonly Content[] {
  const { limitExcept, limitedPass } = location.settings;
  if (limitExcept === null || limitedPass === null) return [];
  const gateway = new GatewayHandler({ ...location.settings, pass: limitedPass }, services);
  const handler: Handler = {
    claim: (exchange) => (isExempt(limitExcept, exchange.method) ? null : gateway),
    handle: (exchange) => gateway.handle(exchange),
  };
  return [new Content(handler, ANSWERERS.find(({ name }) => name === "pass")!, location)];
}

/** The function that makes each row's handler; called if the location has the row. */
function makersFor(
  location: Location,
  services: HandlerServices,
  serverName: string,
): Readonly<Record<Answerer["name"], () => Handler | null>> {
  const { settings } = location;
  const once = <T>(make: () => T): (() => T) => {
    let made: T | undefined;
    return () => (made ??= make());
  };
  const files = once(() => new StaticHandler(location, services));
  const scripts = once(() => new CgiHandler(services));
  const store = once(() => new Store(services, settings.upload!.folder, settings.symlinks));
  const dav = once(() => new DavLocation(services, settings));
  return {
    return: () => new ReturnHandler(settings.return!, settings, services),
    session_api: () => new SessionApiHandler(services.sessions.store(serverName, settings)),
    empty_gif: () => new EmptyGifHandler(),
    stub_status: () => new StubStatusHandler(),
    tus: () => (hasOwnPaths(location) ? new TusHandler(location, services, store()) : null),
    dav_methods: () => new DavHandler(dav()),
    dav_ext_methods: () => new DavExtHandler(dav(), allowValue(settings)),
    upload_store: () => new UploadHandler(store()),
    delete_files: () => new DeleteHandler(services),
    try_files: () => new TryFilesHandler(settings.tryFiles!, files(), settings.cgi.length > 0 ? scripts() : null),
    pass: () => new GatewayHandler(settings, services),
    cgi: scripts,
    files,
  };
}

/** Whether URLs of resumable uploads lead back to the location: they are made from its prefix, so it must have one. */
const hasOwnPaths = ({ modifier }: Location): boolean => modifier === "" || modifier === "^~";
