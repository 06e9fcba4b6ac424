/** The arguments of `sticky cookie`. */
import { isToken } from "../../http/headers.ts";
import type { UpstreamConfig } from "../gateway.ts";
import type { Template } from "../parts.ts";
import type { Scope } from "../scope.ts";
import { quote } from "../text/diagnostics.ts";
import type { Word } from "../text/parser.ts";
import { parseTime } from "./arguments.ts";

type Sticky = NonNullable<UpstreamConfig["sticky"]>;

export const STICKY_SYNTAX =
  "cookie NAME [expires=TIME|max] [domain=DOMAIN] [path=PATH] [httponly] [secure] [samesite=strict|lax|none]";

/** Parses the words of a `sticky`; null after an error. */
export function parseSticky(scope: Scope, [kind, word, ...options]: readonly Word[]): Sticky | null {
  const wrong = (at: Word, expected: string): null => {
    scope.error(at.position, `"sticky" expects ${expected}, not ${quote(at.text)}`);
    return null;
  };
  if (kind!.text !== "cookie") return wrong(kind!, '"cookie" (routes and learning are not supported)');
  if (!isToken(word!.text)) return wrong(word!, "a cookie's name");
  const sticky: { -readonly [K in keyof Sticky]: Sticky[K] } = {
    name: word!.text,
    expires: null,
    domain: null,
    path: null,
    httponly: false,
    secure: false,
    samesite: null,
  };
  for (const option of options) {
    const [, name, value] = /^(\w+)=(.*)$/s.exec(option.text) ?? [];
    const text = (): Template | null => scope.template({ text: value!, position: option.position });
    if (option.text === "httponly" || option.text === "secure") sticky[option.text] = true;
    else if (name === "domain" || name === "path") sticky[name] = text();
    else if (name === "samesite" && (/^(?:strict|lax|none)$/i.test(value!) || value!.includes("$")))
      sticky.samesite = text();
    else if (name === "expires" && (value === "max" || parseTime(value!) !== undefined))
      sticky.expires = value === "max" ? "max" : parseTime(value!)!;
    else return wrong(option, STICKY_SYNTAX);
  }
  return sticky;
}
