/** Changes Set-Cookie: `proxy_cookie_domain`, `proxy_cookie_path`, `proxy_cookie_flags` (ngx_http_proxy_rewrite_cookie). */
import type { ProxyOnly } from "../../config/gateway.ts";
import type { Evaluator, Exchange, Templates } from "../../exchange/exchange.ts";
import { Comparison, matcherOf, Replacing } from "./replacing.ts";

/** `NAME=VALUE` or `NAME`, without the spaces around both. */
interface Attribute {
  readonly name: string;
  /** null: there is no "=". */
  readonly value: string | null;
}

interface FlagRule {
  readonly matches: (exchange: Exchange, name: string) => boolean;
  readonly flags: readonly Evaluator[];
}

export class Cookies {
  private readonly domain: Replacing;
  private readonly path: Replacing;
  private readonly flagRules: readonly FlagRule[];

  constructor({ cookieDomain, cookiePath, cookieFlags }: ProxyOnly, templates: Templates) {
    this.domain = new Replacing(cookieDomain, Comparison.Domain, templates);
    this.path = new Replacing(cookiePath, Comparison.Start, templates);
    this.flagRules = cookieFlags.map(({ cookie, flags }) => ({
      matches: nameTest(cookie, templates),
      flags: flags.map((flag) => templates.evaluator(flag)),
    }));
  }

  /** Nothing is configured. */
  get isEmpty(): boolean {
    return this.domain.isEmpty && this.path.isEmpty && this.flagRules.length === 0;
  }

  /** The value of Set-Cookie (octets) that the client gets. */
  rewritten(exchange: Exchange, value: string): string {
    const [cookie, ...attributes] = value.split(";").map(parseAttribute);
    if (cookie === undefined || cookie.value === null) return value;
    const replaced = attributes.map((attribute) => this.replaced(exchange, attribute));
    const flags = this.flagsOf(exchange, cookie.name);
    if (flags.size === 0 && replaced.every((attribute, i) => attribute === attributes[i])) return value;
    return [cookie, ...withFlags(replaced, flags)].map(attributeText).join("; ");
  }

  private replaced(exchange: Exchange, attribute: Attribute): Attribute {
    const { name, value } = attribute;
    const lower = name.toLowerCase();
    const rules = lower === "domain" ? this.domain : lower === "path" ? this.path : null;
    const after = value === null ? null : (rules?.replaced(exchange, value) ?? null);
    return after === null ? attribute : { name, value: after };
  }

  /** The known flags of the first rule for the cookie, in small letters. */
  private flagsOf(exchange: Exchange, name: string): Set<string> {
    const rule = this.flagRules.find(({ matches }) => matches(exchange, name));
    const flags = rule?.flags.map((flag) => flag(exchange).toLowerCase()) ?? [];
    return new Set(flags.filter((flag) => KNOWN.has(flag)));
  }
}

function nameTest(cookie: ProxyOnly["cookieFlags"][number]["cookie"], templates: Templates): FlagRule["matches"] {
  if (cookie instanceof RegExp) {
    const match = matcherOf(cookie);
    return (exchange, name) => match(exchange, name) !== null;
  }
  const wanted = templates.evaluator(cookie);
  return (exchange, name) => wanted(exchange).toLowerCase() === name.toLowerCase();
}

function parseAttribute(text: string): Attribute {
  const equals = text.indexOf("=");
  if (equals < 0) return { name: withoutSpaces(text), value: null };
  return { name: withoutSpaces(text.slice(0, equals)), value: withoutSpaces(text.slice(equals + 1)) };
}

const withoutSpaces = (text: string): string => text.replace(/^ +/, "").replace(/ +$/, "");

const attributeText = ({ name, value }: Attribute): string => (value === null ? name : `${name}=${value}`);

/** What a flag says about an attribute: how it is written, or that it is removed. */
const ATTRIBUTES = [
  { lower: "secure", flags: { secure: { name: "Secure", value: null }, nosecure: null } },
  { lower: "httponly", flags: { httponly: { name: "HttpOnly", value: null }, nohttponly: null } },
  {
    lower: "samesite",
    flags: {
      "samesite=strict": { name: "SameSite", value: "Strict" },
      "samesite=lax": { name: "SameSite", value: "Lax" },
      "samesite=none": { name: "SameSite", value: "None" },
      nosamesite: null,
    },
  },
] as const satisfies readonly { lower: string; flags: Record<string, Attribute | null> }[];

const KNOWN: ReadonlySet<string> = new Set(ATTRIBUTES.flatMap(({ flags }) => Object.keys(flags)));

/** An attribute that is there stays where it is, and as it is written if it says the same; a new one comes last. */
function withFlags(attributes: readonly Attribute[], flags: ReadonlySet<string>): readonly Attribute[] {
  let result = attributes;
  for (const { lower, flags: meanings } of ATTRIBUTES) {
    const found = Object.entries<Attribute | null>(meanings).find(([flag]) => flags.has(flag));
    if (found !== undefined) result = withAttribute(result, lower, found[1]);
  }
  return result;
}

function withAttribute(
  attributes: readonly Attribute[],
  lower: string,
  wanted: Attribute | null,
): readonly Attribute[] {
  const isIt = ({ name }: Attribute): boolean => name.toLowerCase() === lower;
  if (wanted === null) return attributes.filter((attribute) => !isIt(attribute));
  if (!attributes.some(isIt)) return [...attributes, wanted];
  const isSame = ({ value }: Attribute): boolean => value?.toLowerCase() === wanted.value?.toLowerCase();
  return attributes.map((attribute) => (isIt(attribute) && !isSame(attribute) ? wanted : attribute));
}
