/** `try_files`: the first file or folder that exists, else a status or another URI. */
import type { Template, TryFiles } from "../../config/parts.ts";
import { compile } from "../../exchange/evaluators.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import type { BodySink, Handler } from "../../exchange/handler.ts";
import { evaluate } from "../../exchange/templates.ts";
import { nameText } from "../../http/octets.ts";
import type { CgiHandler } from "../cgi/cgi.ts";
import type { Entry } from "./file-cache.ts";
import type { StaticHandler } from "./static.ts";

interface Found {
  readonly path: string;
  readonly entry: Entry;
}

/** Serves what it finds with the handlers of the same location. */
export class TryFilesHandler implements Handler {
  private readonly fallback: (exchange: Exchange) => void;
  private readonly triesUri: boolean;

  /** @param scripts of the location, around `files`; null: it has no `cgi` */
  constructor(
    private readonly rule: TryFiles,
    private readonly files: StaticHandler,
    private readonly scripts: CgiHandler | null,
  ) {
    this.fallback = "uri" in rule.last ? redirection(rule.last.uri) : ending(rule.last.status);
    this.triesUri = rule.files.some(({ text }) => text === "$uri");
  }

  /** The body is for what is found, or for what the last argument names: either may be a script. */
  sink(exchange: Exchange): BodySink | undefined {
    const found = this.find(exchange);
    if (found !== null) this.files.done(found.entry);
    if (this.isScript(exchange, found)) return this.scripts!.sink(exchange);
    if (found === null) {
      if ("uri" in this.rule.last) this.fallback(exchange);
    } else if (this.files.isScript(exchange, found.entry)) exchange.redirect(found.path, exchange.query);
    else if (found.path.endsWith("/")) this.files.enter(exchange, found.path);
    return undefined;
  }

  handle(exchange: Exchange): void {
    const found = this.find(exchange);
    if (this.isScript(exchange, found)) {
      if (found !== null) this.files.done(found.entry);
      this.scripts!.handle(exchange);
    } else if (found === null) this.fallback(exchange);
    else this.files.answer(exchange, found.path, found.entry);
  }

  /** Whether the request's own path is what was found, and a script; one that has a path behind it is found as "$uri" too. */
  private isScript(exchange: Exchange, found: Found | null): boolean {
    if (this.scripts === null) return false;
    if (found === null) return this.triesUri && this.scripts.isFor(exchange);
    return found.path === exchange.path && this.files.isScript(exchange, found.entry);
  }

  private find(exchange: Exchange): Found | null {
    for (const template of this.rule.files) {
      const wanted = template.text.endsWith("/") ? "folder" : "file";
      const path = pathOf(evaluate(template, exchange), wanted);
      const entry = this.files.find(exchange, path);
      if (entry.kind === wanted) return { path, entry };
      this.files.done(entry);
    }
    return null;
  }

  sweep(): void {
    (this.scripts ?? this.files).sweep();
  }

  close(): void {
    (this.scripts ?? this.files).close();
  }
}

/** The slash that asks for a folder is not part of the path: "$uri/" of "/dir" is redirected to "/dir/", of "/dir/" its index. */
function pathOf(name: string, wanted: "folder" | "file"): string {
  const path = name.startsWith("/") ? name : "/" + name;
  return wanted === "folder" && path !== "/" ? path.slice(0, -1) : path;
}

const ending = (status: number) => (exchange: Exchange) =>
  status >= 400 ? exchange.fail(status) : exchange.reply(status, [], null);

/**
 * An internal redirect to a URI or a `@name` with variables. The query starts at the "?" that the configuration wrote, as
 * itself or as `$is_args`, not at one that another variable brought.
 */
export function redirection(uri: Template): (exchange: Exchange) => void {
  if (uri.text.startsWith("@")) return (exchange) => exchange.redirect(evaluate(uri, exchange));
  const { parts } = uri;
  const at = parts.findIndex((part) => (typeof part === "string" ? part.includes("?") : part.variable === "is_args"));
  if (at < 0) return (exchange) => exchange.redirect(evaluate(uri, exchange), "");
  const part = parts[at]!;
  const mark = typeof part === "string" ? part : "?";
  const cut = mark.indexOf("?");
  const path = compile([...parts.slice(0, at), mark.slice(0, cut)]);
  const query = compile([mark.slice(cut + 1), ...parts.slice(at + 1)]);
  return (exchange) => exchange.redirect(nameText(path(exchange)), query(exchange));
}
