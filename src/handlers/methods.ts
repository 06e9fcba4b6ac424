/** Which methods a location answers. OPTIONS is always one of them, and is answered by the server itself. */
import type { Settings } from "../config/model.ts";
import type { Exchange } from "../exchange/exchange.ts";

const READING = ["GET", "HEAD"] as const;
const SENDING = ["POST", "PUT", "PATCH"] as const;
const SESSION = ["GET", "HEAD", "POST", "DELETE"] as const;
/** A fixed answer is the same whatever is asked, as in nginx. */
const ANY = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] as const;

/**
 * The methods that reach a location's handler, in the order `Allow` shows them: those configured, literally, else the default.
 * But what nothing here performs is refused, for the 200 of a file would tell the client that it was deleted or replaced.
 */
export function allowedMethods(settings: Settings): readonly string[] {
  const { allowedMethods: configured } = settings;
  return configured?.filter((method) => isPerformed(settings, method)) ?? defaultMethods(settings);
}

function isPerformed(settings: Settings, method: string): boolean {
  if (settings.return !== null || settings.cgi.length > 0) return true;
  if (method === "PUT" || method === "PATCH") return settings.upload !== null && !settings.sessionApi;
  return method !== "DELETE" || settings.deleteFiles || settings.sessionApi;
}

function defaultMethods(settings: Settings): readonly string[] {
  if (settings.return !== null) return ANY;
  if (settings.sessionApi) return SESSION;
  const takesPost = settings.cgi.length > 0 || fallsBack(settings);
  const sending = settings.upload !== null ? SENDING : takesPost ? ["POST"] : [];
  return [...READING, ...sending, ...(settings.deleteFiles ? ["DELETE"] : [])];
}

/** `try_files` leads on to another location, which is asked whether it takes the method: a front controller's, as a rule. */
const fallsBack = ({ tryFiles }: Settings): boolean => tryFiles !== null && "uri" in tryFiles.last;

/** Whether the method is allowed only for what `try_files` leads on to, not for a file that it finds. */
export function isForFallback({ method, settings }: Exchange): boolean {
  if (method !== "POST" || settings.allowedMethods !== null) return false;
  return fallsBack(settings) && settings.cgi.length === 0 && settings.upload === null;
}

/** The value of `Allow` (RFC 9110 §10.2.1). @param refused a method that a script has refused itself */
export function allowValue(settings: Settings, refused = ""): string {
  const methods = allowedMethods(settings).filter((method) => method !== refused);
  return (methods.includes("OPTIONS") ? methods : [...methods, "OPTIONS"]).join(", ");
}
