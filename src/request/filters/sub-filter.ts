/** `sub_filter`: replaces texts in replies (ngx_http_sub_filter_module). */
import type { Settings } from "../../config/model.ts";
import type { Template } from "../../config/parts.ts";
import type { MediaTypes } from "../../config/settings/filters.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import type { Filter, ReplyDraft } from "../../exchange/filter.ts";
import { evaluateOctets } from "../../exchange/templates.ts";
import { valueIn } from "../../handlers/compression/fields.ts";
import type { SharedServices } from "../../handlers/services.ts";
import { isAmong } from "../../handlers/transform/media-type.ts";
import { Substitute } from "../../handlers/transform/substitute.ts";
import { Texts } from "../../handlers/transform/substitutions.ts";
import { octets } from "../../http/octets.ts";
import { changeFields, isEmpty, isOf, transform } from "./changed-body.ts";

/** What is replaced in one reply. */
interface Rules {
  readonly texts: Texts;
  readonly replacements: readonly Buffer[];
}

export function subFilter(settings: Settings, services: SharedServices): Filter {
  const { subFilters, subFilterTypes, subFilterOnce, subFilterLastModified } = settings;
  const isConstant = subFilters.every(
    ({ text, replacement }) => text.constant !== null && replacement.constant !== null,
  );
  const fixed = isConstant ? rulesOf(subFilters, ({ constant }) => octets(constant!)) : null;
  return (draft, exchange) => {
    if (isEmpty(draft) || !isOf(subFilterTypes, draft)) return tellOfCoding(draft, subFilterTypes, exchange);
    const { texts, replacements } = fixed ?? rulesFor(subFilters, exchange);
    if (replacements.length === 0) return;
    changeFields(draft, subFilterLastModified ? "weak" : "go");
    transform(draft, exchange, services, new Substitute(texts, replacements, subFilterOnce));
  };
}

/** The usual reason why nothing is replaced. */
function tellOfCoding({ fields }: ReplyDraft, types: MediaTypes, exchange: Exchange): void {
  const coding = valueIn(fields, "content-encoding");
  if (coding === undefined || !isAmong(types, valueIn(fields, "content-type") ?? "")) return;
  exchange.log("info", `"sub_filter" leaves a reply with Content-Encoding "${coding}" as it is`);
}

const rulesFor = (subFilters: Settings["subFilters"], exchange: Exchange): Rules =>
  rulesOf(subFilters, (template) => evaluateOctets(template, exchange));

/** A text that is empty, because its variables are, is not looked for. */
function rulesOf(subFilters: Settings["subFilters"], octetsOf: (template: Template) => string): Rules {
  const rules = subFilters
    .map(({ text, replacement }) => ({ text: octetsOf(text), replacement: octetsOf(replacement) }))
    .filter(({ text }) => text !== "");
  return {
    texts: new Texts(rules.map(({ text }) => text)),
    replacements: rules.map(({ replacement }) => Buffer.from(replacement, "latin1")),
  };
}
