/** Which handler a location gets. */
import type { Location } from "../config/model.ts";
import { Guarded, hasRules } from "./access.ts";
import { DeleteHandler } from "./delete.ts";
import type { Handler, Services } from "./handler.ts";
import { ReturnHandler } from "./return.ts";
import { StaticHandler } from "./static.ts";
import { TryFilesHandler } from "./try-files.ts";
import { UploadHandler } from "./upload/upload.ts";

/** The handler of a location, made once. As in nginx, `return` comes before `allow` and `deny`, they before files. */
export function handlerFor(location: Location, services: Services): Handler {
  const { settings } = location;
  if (settings.return !== null) return new ReturnHandler(settings.return, settings);
  const files = new StaticHandler(location, services);
  let handler: Handler = settings.tryFiles === null ? files : new TryFilesHandler(settings.tryFiles, files);
  if (settings.deleteFiles) handler = new DeleteHandler(services, handler);
  if (settings.upload !== null) handler = new UploadHandler(location, services, handler);
  return hasRules(settings) ? new Guarded(handler) : handler;
}
