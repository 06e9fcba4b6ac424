/** Values in directives of SSI: the variables of the page, then those of the request; texts that contain them. */
import type { Exchange } from "../../exchange/exchange.ts";
import type { Page } from "../../exchange/page.ts";
import { strftime, TIME_FORMAT } from "../../http/reply/strftime.ts";

/** Variables of requests that are there though they are empty; others are then taken as missing. */
const MAY_BE_EMPTY: ReadonlySet<string> = new Set(["https", "is_args", "server_name"]);

/** Most octets that variables may add to a text: a page that doubles one in each `set` would soon fill the memory. */
const MOST_EXPANDED = 64 * 1024;

/** A text that contains `$name` or `${name}` is malformed. */
export class SsiError extends Error {}

export class SsiVariables {
  /** `config timefmt`. */
  timeFormat = TIME_FORMAT;

  constructor(
    private readonly exchange: Exchange,
    private readonly page: Page,
  ) {}

  /** The octets of a variable; undefined: there is none. */
  get(given: string): string | undefined {
    const name = given.toLowerCase();
    const own = /^\d$/.test(name) ? this.page.captures[Number(name)] : undefined;
    return own ?? this.page.variables.get(name) ?? this.ofRequest(name);
  }

  private ofRequest(name: string): string | undefined {
    const { exchange } = this;
    if (name === "date_local" || name === "date_gmt")
      return strftime(this.timeFormat, exchange.services.clock.second, name === "date_local");
    const value = exchange.templates.variable(name)(exchange);
    const isThere = value !== "" || MAY_BE_EMPTY.has(name) || exchange.assigned?.has(name) === true;
    return isThere ? value : undefined;
  }

  /** The text with its variables replaced, and without the backslashes before quotes, `$` and backslashes. */
  expand(text: string): string {
    let added = 0;
    return text.replace(
      /\\([\s\S])|\\$|\$(\{?)(\w*)(\}?)/g,
      (whole, escaped?: string, open?: string, name = "", close = "") => {
        if (!whole.startsWith("$")) return escaped === undefined || /['"$\\]/.test(escaped) ? (escaped ?? "") : whole;
        if (open === "{" && close === "") throw new SsiError(`the closing bracket in "${name}" variable is missing`);
        if (name === "") throw new SsiError(`invalid variable name in "${text}"`);
        const value = this.get(name) ?? "";
        added += value.length;
        if (added > MOST_EXPANDED) throw new SsiError(`too long value of "${name}" variable in "${text}"`);
        return value + (open === "" ? close : "");
      },
    );
  }
}
