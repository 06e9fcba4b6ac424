/** `geo` (ngx_http_geo_module): the value of a variable by an address. */
import { octets } from "../../../http/octets.ts";
import type { AccessRule, Template } from "../../parts.ts";
import type { Scope } from "../../scope.ts";
import { block, type Row } from "../../table.ts";
import type { GeoTable } from "../../tables/tables.ts";
import { quote } from "../../text/diagnostics.ts";
import type { Directive, Word } from "../../text/parser.ts";
import { words } from "../../values/arguments.ts";
import { type Network, parseNetwork } from "../../values/source.ts";
import { addTable, entriesOf, onlyArgument, tableVariable } from "./entries.ts";
import { ipv4Network, ipv4Number, number4 } from "./ipv4.ts";
import { Networks4, Networks6, number6 } from "./networks.ts";
import { RangeSet } from "./ranges.ts";

export const GEO: Row = block("geo", "table", {
  in: ["http"],
  takes: [words("[$ADDRESS] $VARIABLE", 1, 2)],
  repeats: true,
  help: "Gives the variable a value by the client's address, or that in $ADDRESS: lines `NETWORK VALUE;`, of which the narrowest with the address counts, else `default VALUE;`. `delete NETWORK;` takes one back. `proxy NETWORK;`: front servers there are trusted to name the client in X-Forwarded-For, the last one named, or with `proxy_recursive;` the last that is no such server. With `ranges;` before all others lines are `FIRST-LAST VALUE;`, of IPv4 alone. What is no address counts as 255.255.255.255. `volatile;` as in `map`.",
  open: (scope, [args], given) => {
    const source = args.length === 2 ? scope.template(args[0]!) : null;
    if (args.length === 2 && !/^\$\w+$/.test(args[0]!.text))
      scope.error(args[0]!.position, `"geo" expects a variable with an address, not ${quote(args[0]!.text)}`);
    const name = tableVariable(scope, args.at(-1)!, "geo");
    const table = new GeoReader(scope, given).table(source);
    if (name !== null) addTable(scope, name, table, given);
    return null;
  },
});

/** The networks of one family, as far as reading needs them. */
interface NetworkTable<T> {
  set(address: T, bits: number, value: number): number | undefined;
  delete(address: T, bits: number): boolean;
}

/** Reads the block of a `geo`. */
class GeoReader {
  /** Each value once; the first is that of no entry. */
  private readonly values = new Map<string, number>([["", 0]]);
  private readonly ipv4 = new Networks4();
  private readonly ipv6 = new Networks6();
  private ranges: RangeSet | null = null;
  /** Of ranges; otherwise the default is that of the widest networks. */
  private fallback: number | undefined;
  private readonly proxies: AccessRule["match"][] = [];
  private recursive = false;
  private volatile = false;
  /** There was an entry with an address. */
  private begun = false;

  constructor(
    private readonly scope: Scope,
    private readonly given: Directive,
  ) {}

  table(source: Template | null): GeoTable {
    for (const entry of entriesOf(this.scope, this.given)) {
      if (entry.args.length > 0 || !this.flag(entry)) this.entry(entry);
    }
    const { proxies, recursive, volatile, ranges } = this;
    const fallback = this.fallback ?? 0;
    return {
      kind: "geo",
      source,
      values: [...this.values.keys()].map(octets),
      ipv4: (ranges ?? this.ipv4).intervals(fallback),
      ipv6: ranges === null ? this.ipv6.intervals(fallback) : null,
      proxies,
      recursive,
      volatile,
      position: this.given.position,
    };
  }

  /** Takes an entry of one word; false: it is none that may stand alone. */
  private flag({ name, position }: Directive): boolean {
    if (name === "proxy_recursive") this.recursive = true;
    else if (name === "volatile") this.volatile = true;
    else if (name === "ranges") {
      if (this.begun) this.scope.error(position, '"ranges" must be the first entry of "geo"');
      this.ranges ??= new RangeSet();
    } else return false;
    return true;
  }

  private entry(entry: Directive): void {
    const { name, position } = entry;
    const value = onlyArgument(this.scope, entry, "geo");
    if (value === null) return;
    if (name === "proxy") {
      const network = this.network(value);
      if (network !== null) this.proxies.push(network);
    } else if (name === "default") this.setFallback(entry, value);
    else {
      this.begun = true;
      const isDeleted = name === "delete";
      const where = isDeleted ? value : { text: name, position };
      if (this.ranges === null) this.setNetwork(where, isDeleted ? null : value);
      else this.setRange(this.ranges, where, isDeleted ? null : value);
    }
  }

  private setFallback({ position }: Directive, { text }: Word): void {
    const value = this.index(text);
    const before = this.ranges === null ? this.ipv4.set(0, 0, value) : this.fallback;
    if (this.ranges === null) this.ipv6.set(0n, 0, value);
    else this.fallback = value;
    if (before !== undefined) this.warnTwice("default value", position, text, before);
    this.begun = true;
  }

  private warnTwice(what: string, position: Word["position"], text: string, before: number): void {
    const old = [...this.values.keys()][before]!;
    this.scope.warning(position, `duplicate ${what}: ${quote(text)} replaces ${quote(old)}`);
  }

  private index(text: string): number {
    let index = this.values.get(text);
    if (index === undefined) this.values.set(text, (index = this.values.size));
    return index;
  }

  /** @param value null: the network is deleted */
  private setNetwork(word: Word, value: Word | null): void {
    const plain = ipv4Network(word.text);
    const network = plain === null ? this.network(word) : null;
    if (plain !== null) this.put(this.ipv4, plain.address, plain.bits, word, value);
    else if (network?.address.length === 4) this.put(this.ipv4, number4(network.address), network.bits, word, value);
    else if (network !== null) this.put(this.ipv6, number6(network.address), network.bits, word, value);
  }

  private put<T>(set: NetworkTable<T>, address: T, bits: number, { text, position }: Word, value: Word | null): void {
    if (value === null) {
      if (!set.delete(address, bits)) this.scope.warning(position, `no network ${quote(text)} to delete`);
      return;
    }
    const before = set.set(address, bits, this.index(value.text));
    if (before !== undefined) this.warnTwice(`network ${quote(text)}`, position, value.text, before);
  }

  private network({ text, position }: Word): Network | null {
    const network = parseNetwork(text);
    if (network === undefined) {
      this.scope.error(position, `invalid network ${quote(text)}`);
      return null;
    }
    if (network.stray) this.scope.warning(position, `the low bits of "${text}" have no meaning and are taken as zero`);
    return network;
  }

  private setRange(ranges: RangeSet, { text, position }: Word, value: Word | null): void {
    const [start, end] = parseRange(text) ?? [1, 0];
    if (start > end) return this.scope.error(position, `invalid range ${quote(text)}`);
    if (value === null) {
      if (!ranges.delete(start, end)) this.scope.warning(position, `no address range ${quote(text)} to delete`);
      return;
    }
    const added = ranges.add(start, end, this.index(value.text));
    if (added.kind === "replaced") this.warnTwice(`range ${quote(text)}`, position, value.text, added.before);
    else if (added.kind === "overlaps")
      this.scope.error(position, `range ${quote(text)} overlaps "${dotted(added.start)}-${dotted(added.end)}"`);
  }
}

function parseRange(text: string): readonly [start: number, end: number] | undefined {
  const hyphen = text.indexOf("-");
  if (hyphen < 0) return undefined;
  const start = ipv4Number(text, 0, hyphen);
  const end = ipv4Number(text, hyphen + 1);
  return start < 0 || end < 0 ? undefined : [start, end];
}

const dotted = (address: number): string =>
  [address >>> 24, (address >>> 16) & 255, (address >>> 8) & 255, address & 255].join(".");
