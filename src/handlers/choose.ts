/** Which handler a location gets. */
import type { Location } from "../config/model.ts";
import type { Handler } from "../exchange/handler.ts";
import { CgiHandler } from "./cgi/cgi.ts";
import { DeleteHandler } from "./files/delete.ts";
import { StaticHandler } from "./files/static.ts";
import { TryFilesHandler } from "./files/try-files.ts";
import { ReturnHandler } from "./return.ts";
import type { HandlerServices } from "./services.ts";
import { SessionApiHandler } from "./session/api.ts";
import { TusHandler } from "./upload/tus/tus.ts";
import { UploadHandler } from "./upload/upload.ts";

/**
 * What answers a location's requests once its phases let them in, made once.
 * @param serverName visitors of servers with the same name share their sessions
 */
export function handlerFor(location: Location, services: HandlerServices, serverName = ""): Handler {
  const { settings } = location;
  if (settings.return !== null) return new ReturnHandler(settings.return, settings);
  if (settings.sessionApi) return new SessionApiHandler(services.sessions.store(serverName, settings));
  const files = new StaticHandler(location, services);
  const scripts = settings.cgi.length > 0 ? new CgiHandler(services, files) : null;
  let handler: Handler = scripts ?? files;
  if (settings.tryFiles !== null) handler = new TryFilesHandler(settings.tryFiles, files, scripts);
  if (settings.deleteFiles) handler = new DeleteHandler(services, handler);
  return settings.upload === null ? handler : uploading(location, services, handler);
}

function uploading(location: Location, services: HandlerServices, inner: Handler): Handler {
  const whole = new UploadHandler(location, services, inner);
  // The URLs of resumable uploads lie beneath the location's prefix; where there is none, no request for them would come back.
  const resumable = location.modifier === "" || location.modifier === "^~";
  return resumable ? new TusHandler(location, services, whole.store, whole) : whole;
}
