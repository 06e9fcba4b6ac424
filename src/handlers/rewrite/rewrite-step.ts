/** `rewrite`: the path is matched, and replaced inside or by a redirect of the client. */
import type { UriStep } from "../../config/settings/rewrite.ts";
import type { Exchange, Templates } from "../../exchange/exchange.ts";
import type { Answer } from "../../exchange/handler.ts";
import { nameText, octets } from "../../http/octets.ts";
import { locationTo } from "../redirect.ts";
import { Matcher } from "./matcher.ts";
import { unescapeRedirect } from "./redirect-target.ts";
import type { Run, Step } from "./step.ts";
import { type Text, textOf } from "./text.ts";

export function rewriteStep(step: UriStep, templates: Templates): Step {
  const matcher = new Matcher(step.pattern);
  const effect = step.redirect === 0 ? changePath(step, templates) : redirect(step, templates);
  return (exchange, run) => {
    const matches = matcher.matches(exchange, octets(exchange.path), run);
    return matches === undefined ? run.fail() : matches ? effect(exchange, run) : true;
  };
}

function redirect({ replacement, appends, redirect: status }: UriStep, templates: Templates): Step {
  const text = textOf(replacement.parts, templates);
  const joint = replacement.parts.some((part) => typeof part === "string" && part.includes("?")) ? "&" : "?";
  return (exchange, run) => {
    const { query } = exchange;
    const target = unescapeRedirect(text(exchange, true)) + (appends && query !== "" ? joint + query : "");
    if (run.logs) exchange.log("notice", `rewritten redirect: "${target}"`);
    run.answer = redirection(status, target);
    return false;
  };
}

const redirection = (status: number, target: string): Answer => ({
  handle: (exchange) => exchange.fail(status, [["Location", locationTo(exchange, target)]]),
});

function changePath({ replacement, appends, flag }: UriStep, templates: Templates): Step {
  const { path, query } = divided(replacement.parts, templates);
  return (exchange, run) => {
    const { rewriting } = exchange;
    const [newPath, own] = [path(exchange, false), query?.(exchange, true)];
    run.quotes = false;
    if (own !== undefined) rewriting.query = appends && rewriting.query !== "" ? `${own}&${rewriting.query}` : own;
    else if (!appends) rewriting.query = "";
    if (run.logs) exchange.log("notice", `rewritten data: "${nameText(newPath)}", args: "${rewriting.query}"`);
    if (newPath === "") return emptyPath(exchange, run);
    rewriting.path = nameText(newPath);
    rewriting.isRedirected = true;
    run.changed = flag !== "break";
    if (flag === "break") rewriting.passesWholePath = true;
    return flag === "";
  };
}

function emptyPath(exchange: Exchange, run: Run): false {
  exchange.log("error", "the rewritten URI has a zero length");
  return run.fail();
}

type Parts = UriStep["replacement"]["parts"];

/** Path and arguments of a replacement, which a "?" in its text divides; null: it has no arguments. */
function divided(parts: Parts, templates: Templates): { path: Text; query: Text | null } {
  const at = parts.findIndex((part) => typeof part === "string" && part.includes("?"));
  if (at < 0) return { path: textOf(parts, templates), query: null };
  const part = parts[at] as string;
  const mark = part.indexOf("?");
  const path = [...parts.slice(0, at), part.slice(0, mark)];
  const query = [part.slice(mark + 1), ...parts.slice(at + 1)];
  return { path: textOf(path.filter(isNotEmpty), templates), query: textOf(query.filter(isNotEmpty), templates) };
}

const isNotEmpty = (part: Parts[number]): boolean => part !== "";
