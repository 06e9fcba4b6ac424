/** Which handler a location gets. */
import type { Location, Settings } from "../config/model.ts";
import type { Handler } from "../exchange/handler.ts";
import { Guarded, mayEnter, maySend } from "./access.ts";
import { CgiHandler } from "./cgi/cgi.ts";
import { DeleteHandler } from "./files/delete.ts";
import { StaticHandler } from "./files/static.ts";
import { TryFilesHandler } from "./files/try-files.ts";
import { ReturnHandler } from "./return.ts";
import type { HandlerServices } from "./services.ts";
import { SessionApiHandler } from "./session/api.ts";
import { WithSession } from "./session/with-session.ts";
import { TusHandler } from "./upload/tus/tus.ts";
import { UploadHandler } from "./upload/upload.ts";

/**
 * The handler of a location, made once. As in nginx, `limit_except` comes before `return`, that before `allow` and `deny`, they before files.
 * @param serverName visitors of servers with the same name share their sessions
 */
export function handlerFor(location: Location, services: HandlerServices, serverName = ""): Handler {
  const { settings } = location;
  if (!settings.session && !settings.sessionApi) return answering(location, services);
  const store = services.sessions.store(serverName, settings);
  if (!settings.sessionApi || settings.return !== null) return new WithSession(answering(location, services), store);
  return guarded(new SessionApiHandler(store), settings);
}

function answering(location: Location, services: HandlerServices): Handler {
  const { settings } = location;
  if (settings.return !== null) return limited(new ReturnHandler(settings.return, settings), settings);
  const files = new StaticHandler(location, services);
  const scripts = settings.cgi.length > 0 ? new CgiHandler(services, files) : null;
  let handler: Handler = scripts ?? files;
  if (settings.tryFiles !== null) handler = new TryFilesHandler(settings.tryFiles, files, scripts);
  if (settings.deleteFiles) handler = new DeleteHandler(services, handler);
  if (settings.upload !== null) handler = uploading(location, services, handler);
  return guarded(handler, settings);
}

function uploading(location: Location, services: HandlerServices, inner: Handler): Handler {
  const whole = new UploadHandler(location, services, inner);
  // The URLs of resumable uploads lie beneath the location's prefix; where there is none, no request for them would come back.
  const resumable = location.modifier === "" || location.modifier === "^~";
  return resumable ? new TusHandler(location, services, whole.store, whole) : whole;
}

const guarded = (handler: Handler, settings: Settings): Handler =>
  settings.access.length > 0 || settings.limitExcept !== null ? new Guarded(handler, mayEnter) : handler;

/** In nginx `limit_except` is a location of its own, in which the `return` around it does not count. */
const limited = (handler: Handler, settings: Settings): Handler =>
  settings.limitExcept !== null ? new Guarded(handler, maySend) : handler;
