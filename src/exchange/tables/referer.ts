/** $invalid_referer (ngx_http_referer_module): whether the request's Referer is none of `valid_referers`. */
import type { ValidReferers } from "../../config/tables/tables.ts";
import { unicode } from "../../http/octets.ts";
import { SureRegex } from "../../routing/sure-regex.ts";
import type { Exchange } from "../exchange.ts";
import type { Row } from "../variables/row.ts";
import { findName } from "./names.ts";

export const REFERER: readonly Row[] = [
  {
    name: "invalid_referer",
    isFamily: false,
    lifetime: "change",
    help: "`1` if the request's Referer is none of `valid_referers`, else empty",
    of: () => {
      const matcher = new Matcher();
      return (exchange) => {
        const { validReferers } = exchange.settings;
        return validReferers === null || isValid(validReferers, exchange, matcher) ? "" : "1";
      };
    },
  },
];

/** The longest host that is looked up, as in nginx. */
const LONGEST_HOST = 255;

function isValid(valid: ValidReferers, { request }: Exchange, matcher: Matcher): boolean {
  const at = request.fieldIndex("referer");
  if (at < 0) return valid.none;
  const referer = request.fieldValue(at);
  const scheme = referer.length >= "http://i.ru".length ? /^https?:\/\//i.exec(referer) : null;
  if (scheme === null) return valid.blocked;
  const rest = referer.slice(scheme[0].length);
  const end = rest.search(/[/:]/);
  const host = end < 0 ? rest : rest.slice(0, end);
  if (host.length > LONGEST_HOST) return false;
  const path = findName(valid.names, host);
  if (path !== undefined) return startsWith(rest.slice(host.length), path);
  return matcher.matches(valid.hostExpressions, host) || matcher.matches(valid.expressions, rest);
}

/** Whether the path of what follows the host, perhaps with a port, begins as it must. */
function startsWith(behindHost: string, path: string): boolean {
  if (path === "") return true;
  const slash = behindHost.indexOf("/");
  return slash >= 0 && behindHost.startsWith(path, slash);
}

/** Asks expressions, each of which is prepared once. */
class Matcher {
  private readonly prepared = new WeakMap<RegExp, SureRegex>();

  /** Whether one of the expressions matches. One that takes too long does not. */
  matches(expressions: readonly RegExp[], text: string): boolean {
    if (expressions.length === 0) return false;
    const subject = unicode(text);
    return expressions.some((regex) => Array.isArray(this.sure(regex).exec(subject)));
  }

  private sure(regex: RegExp): SureRegex {
    let sure = this.prepared.get(regex);
    if (sure === undefined) this.prepared.set(regex, (sure = new SureRegex(regex)));
    return sure;
  }
}
