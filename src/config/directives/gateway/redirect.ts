/** `proxy_redirect default`, which depends on the location in which it ends. */
import type { ProxyOnly } from "../../gateway.ts";
import type { Settings } from "../../model.ts";
import type { Template } from "../../parts.ts";

type Replacement = ProxyOnly["redirect"][number];

const constant = (text: string): Template => ({ text, parts: text === "" ? [] : [text], constant: text });

/** Stands for `default` until the location is known. */
export const DEFAULT_REDIRECT: Replacement = { from: constant("default"), to: constant("") };

/** The settings of a location, with `default` replaced by what it means there. */
export function withRedirects(settings: Settings): Settings {
  const { proxyOnly, pass } = settings;
  if (!proxyOnly.redirect.includes(DEFAULT_REDIRECT)) return settings;
  const fixed = pass?.family === "proxy" && pass.target === null ? [defaultOf(pass)] : [];
  const redirect = proxyOnly.redirect.flatMap((rule) => (rule === DEFAULT_REDIRECT ? fixed : [rule]));
  return { ...settings, proxyOnly: { ...proxyOnly, redirect } };
}

/** As nginx: the URL of `proxy_pass` becomes the location's prefix; without a URI its root becomes ours. */
function defaultOf({ text, uri, replaces }: NonNullable<Settings["pass"]>): Replacement {
  return uri === null
    ? { from: constant(`${text}/`), to: constant("/") }
    : { from: constant(text), to: constant(replaces) };
}
