/** `split_clients` (ngx_http_split_clients_module): the value of a variable by a hash, in given shares. */
import { octets } from "../../../http/octets.ts";
import type { Scope } from "../../scope.ts";
import { block, type Row } from "../../table.ts";
import { quote } from "../../text/diagnostics.ts";
import type { Directive } from "../../text/parser.ts";
import { template, words } from "../../values/arguments.ts";
import { addTable, entriesOf, onlyArgument, tableVariable } from "./entries.ts";

export const SPLIT: Row = block("split_clients", "table", {
  in: ["http"],
  takes: [template("STRING"), words("$VARIABLE", 1, 1)],
  repeats: true,
  help: "Gives the variable one of several values, by a hash of STRING, which has variables: lines `PERCENT% VALUE;` (with up to two decimals), and `* VALUE;` for the rest. The same STRING gives the same value, and the same as with nginx (MurmurHash2).",
  open: (scope, [source, [variable]], given) => {
    const name = tableVariable(scope, variable!, "split_clients");
    const parts = partsOf(scope, given);
    const { position } = given;
    if (name !== null)
      addTable(scope, name, { kind: "split_clients", source, parts, volatile: false, position }, given);
    return null;
  },
});

/** Hundredths of a percent. */
const WHOLE = 10_000;
const GREATEST_HASH = 0xffffffff;

/** The limits of the hash are rounded as nginx rounds them. */
function partsOf(scope: Scope, given: Directive): { below: number; value: string }[] {
  const parts: { below: number; value: string }[] = [];
  let sum = 0;
  let below = 0;
  for (const entry of entriesOf(scope, given)) {
    const value = onlyArgument(scope, entry, "split_clients");
    const share = shareOf(entry.name);
    if (share === undefined) {
      scope.error(
        entry.position,
        `invalid percent value ${quote(entry.name)}: a share such as 0.5%, or *, is expected`,
      );
    }
    if (value === null || share === undefined) continue;
    sum = share === null ? WHOLE : sum + share;
    if (sum > WHOLE) scope.error(entry.position, "the percentages add up to more than 100%");
    if (share !== null) below += Math.floor((share * GREATEST_HASH) / WHOLE);
    parts.push({ below: share === null ? GREATEST_HASH + 1 : below, value: octets(value.text) });
  }
  return parts;
}

/** Hundredths of a percent; null: `*`, all that is left; undefined: neither. */
function shareOf(text: string): number | null | undefined {
  if (text === "*") return null;
  const [, whole, decimals] = /^(\d{0,6})(?:\.(\d{0,2}))?%$/.exec(text) ?? [];
  const share = Number(`${whole ?? ""}${(decimals ?? "").padEnd(2, "0")}`);
  return whole === undefined || share === 0 ? undefined : share;
}
