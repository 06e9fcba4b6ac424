/** Finds the script of a request (RFC 3875 §3.3). The files decide where the script's path ends and PATH_INFO begins. */
import { ERRNO, errnoText } from "../../../ffi/errno.ts";
import { FileStatus } from "../../../ffi/kernel.ts";
import type { Settings } from "../../config/model.ts";
import type { CgiRule } from "../../config/parts.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import { filename, type Place, place } from "../../exchange/place.ts";
import { errorStatus } from "../errors.ts";
import { isHidden } from "../files/hidden.ts";
import { fileWithin, RootFolders } from "../files/open.ts";
import type { HandlerServices } from "../services.ts";

/** A script and the parts of the request's path. All strings are Unicode. */
export interface Script {
  readonly rule: CgiRule;
  /** Absolute. */
  readonly filename: string;
  /** Its folder, absolute. For a script that does not exist the root, because its folder may not exist either. */
  readonly folder: string;
  /** SCRIPT_NAME: the decoded path up to the script's end. */
  readonly name: string;
  /** PATH_INFO: the rest of the path, "" or beginning with a slash. */
  readonly pathInfo: string;
}

/** The first rule for a file with this name or path and this method; undefined: it is not a script. */
export function ruleFor(settings: Settings, method: string, name: string): CgiRule | undefined {
  const { cgi, cgiMethods } = settings;
  if (cgiMethods !== null && !cgiMethods.includes(method)) return undefined;
  return cgi.find(({ extension }) => extension === "*" || name.endsWith(extension));
}

/** Finds the scripts of one location. */
export class ScriptFinder {
  private readonly roots: RootFolders;
  private readonly status = new FileStatus();

  constructor(private readonly services: HandlerServices) {
    this.roots = new RootFolders(services.kernel);
  }

  /**
   * The script of a request: the first component of the path that matches a rule and is a file (with `cgi_check_script off`: is
   * not a folder). null: there is none. A number: the status that refuses the request.
   */
  find(exchange: Exchange): Script | number | null {
    const { path, settings } = exchange;
    // The part of the path that an alias replaces is not a file name.
    const least = settings.alias === null ? 0 : (settings.aliasPrefix?.length ?? 0);
    for (let end = nextEnd(path, 0); end > 0; end = nextEnd(path, end)) {
      if (end < least) continue;
      if (settings.alias === null && !mayFit(settings.cgi, path, end)) continue;
      const found = this.examine(exchange, path.slice(0, end), path.slice(end));
      if (found !== null) return found;
    }
    return null;
  }

  close(): void {
    this.roots.close();
  }

  /** The script at `name`, the path up to the end of a component; null: it is not a script. */
  private examine(exchange: Exchange, name: string, pathInfo: string): Script | number | null {
    const { settings } = exchange;
    const found = placeOf(exchange, name, pathInfo);
    if (found === null) return null;
    const file = filename(found);
    const rule = ruleFor(settings, exchange.method, file);
    if (rule === undefined) return null;
    if (isHidden(name, settings.dotfiles)) return 404;
    const error = this.look(found, settings);
    if (error === ERRNO.EISDIR) return null;
    if (error !== 0 && (settings.cgiCheckScript || !isMissing(error))) return refusal(exchange, file, error);
    const folder = error === 0 ? file.slice(0, file.lastIndexOf("/")) : found.root;
    return { rule, filename: file, folder: folder || "/", name, pathInfo };
  }

  /** What is at a place: 0 for a file, EISDIR for a folder, else the errno of opening it. */
  private look(found: Place, settings: Settings): number {
    const { kernel, clock } = this.services;
    const root = this.roots.get(found.root, clock.now, 0);
    if (typeof root === "number") return -root;
    return -fileWithin(kernel, root.fd, found.path, settings.symlinks, this.status);
  }
}

/** The place of `name`. The alias of a regular-expression location is the place of the whole path, whatever part `name` is. */
function placeOf(exchange: Exchange, name: string, pathInfo: string): Place | null {
  const { settings } = exchange;
  const found = place(settings, name, exchange);
  if (found === null || settings.alias === null || settings.aliasPrefix !== null) return found;
  if (!found.path.endsWith(pathInfo)) return null;
  return { root: found.root, path: found.path.slice(0, found.path.length - pathInfo.length) };
}

/** The end of the component after the slash at `from`; 0: there is none. */
function nextEnd(path: string, from: number): number {
  if (from + 1 >= path.length) return 0;
  const slash = path.indexOf("/", from + 1);
  return slash < 0 ? path.length : slash;
}

/** A quick test without making a string, because most paths are not scripts. */
function mayFit(rules: readonly CgiRule[], path: string, end: number): boolean {
  return rules.some(({ extension }) => extension === "*" || path.endsWith(extension, end));
}

/** Whether the error means that nothing is there; a forbidden link or a device is something. */
const isMissing = (error: number): boolean => error === ERRNO.ENOENT || error === ERRNO.ENOTDIR;

/** A script that does not exist may still be a path that `try_files` handles. */
function refusal(exchange: Exchange, file: string, error: number): number | null {
  const status = errorStatus(error);
  if (status === 404 && exchange.settings.tryFiles !== null) return null;
  const reason = error === ERRNO.ENXIO ? "is not a regular file" : `cannot be opened (${errnoText(error)})`;
  if (status !== 404 || exchange.settings.logNotFound)
    exchange.log(status >= 500 ? "crit" : "error", `script "${file}" ${reason}`);
  return status;
}
