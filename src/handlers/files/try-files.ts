/** `try_files`: the first file or folder that exists, else a status or another URI. */
import type { Settings } from "../../config/model.ts";
import type { Template, TryFiles } from "../../config/parts.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import { type Answer, type Handler, MOVED } from "../../exchange/handler.ts";
import { evaluate, evaluateOctets } from "../../exchange/templates.ts";
import type { CgiHandler } from "../cgi/cgi.ts";
import type { StaticHandler } from "./static.ts";

/** Points the request at the file or folder it finds; other handlers of the same location then answer. */
export class TryFilesHandler implements Handler {
  private readonly fallback: ((exchange: Exchange) => void) | null;
  private readonly triesUri: boolean;

  /** @param scripts the location's scripts; null: it has no `cgi` */
  constructor(
    private readonly rule: TryFiles,
    private readonly files: StaticHandler,
    private readonly scripts: CgiHandler | null,
  ) {
    this.fallback = "uri" in rule.last ? redirection(rule.last.uri) : null;
    this.triesUri = rule.files.some(({ text }) => text === "$uri");
  }

  claim(exchange: Exchange): Answer | null {
    const found = this.find(exchange);
    if (found !== null) {
      if (found !== exchange.path || isExpressions(exchange.settings)) exchange.retarget(found);
      return null;
    }
    if (this.isScript(exchange)) return null;
    if (this.fallback === null) return this;
    this.fallback(exchange);
    return MOVED;
  }

  /** Answers with the status at the end of the list when nothing was found. */
  handle(exchange: Exchange): void {
    const { last } = this.rule;
    if (!("status" in last)) throw new Error("try_files has redirected");
    if (last.status >= 400) exchange.fail(last.status);
    else exchange.reply(last.status, [], null);
  }

  /** Whether "$uri" is a script followed by PATH_INFO, which counts as found. */
  private isScript(exchange: Exchange): boolean {
    return this.triesUri && this.scripts?.isFor(exchange) === true;
  }

  /** The path of the first file or folder that exists. */
  private find(exchange: Exchange): string | null {
    for (const template of this.rule.files) {
      const wanted = template.text.endsWith("/") ? "folder" : "file";
      const path = pathOf(beneath(exchange.settings, template) + evaluate(template, exchange), wanted);
      const entry = this.files.try(exchange, path);
      this.files.done(entry);
      if (entry.kind === wanted) return path;
    }
    return null;
  }
}

/** Whether this is a regex location with `alias`: names are then looked up beneath the alias, as in nginx. */
const isExpressions = ({ alias, aliasPrefix }: Settings): boolean => alias !== null && aliasPrefix === null;

/** What comes before a name without variables where there is an `alias`: as in nginx, such a name does not begin with the location's prefix. */
const beneath = ({ alias, aliasPrefix }: Settings, { constant }: Template): string =>
  alias !== null && aliasPrefix !== null && constant !== null ? aliasPrefix : "";

/** The path without the slash that asks for a folder: for "$uri/", "/dir" is redirected to "/dir/" and "/dir/" to its index. */
function pathOf(name: string, wanted: "folder" | "file"): string {
  const merged = name.includes("//") ? name.replace(/\/{2,}/g, "/") : name;
  const path = merged.startsWith("/") ? merged : "/" + merged;
  return wanted === "folder" && path !== "/" && !name.endsWith("//") ? path.slice(0, -1) : path;
}

/**
 * An internal redirect to a URI or a `@name` with variables. The query starts at the "?" written in the configuration, directly or
 * as `$is_args`, or at that of `$request_uri`; a "?" in the value of another variable belongs to the path.
 */
function redirection(uri: Template): (exchange: Exchange) => void {
  if (uri.text.startsWith("@")) return (exchange) => exchange.redirect(evaluate(uri, exchange));
  const { parts } = uri;
  if (parts.some((part) => typeof part !== "string" && part.variable === "request_uri"))
    return (exchange) => exchange.redirect(evaluate(uri, exchange));
  const at = parts.findIndex((part) => (typeof part === "string" ? part.includes("?") : part.variable === "is_args"));
  if (at < 0) return (exchange) => exchange.redirect(evaluate(uri, exchange), "");
  const part = parts[at]!;
  const mark = typeof part === "string" ? part : "?";
  const cut = mark.indexOf("?");
  const path: Template = { ...uri, parts: [...parts.slice(0, at), mark.slice(0, cut)], constant: null };
  const query: Template = { ...uri, parts: [mark.slice(cut + 1), ...parts.slice(at + 1)], constant: null };
  return (exchange) => exchange.redirect(evaluate(path, exchange), evaluateOctets(query, exchange));
}
