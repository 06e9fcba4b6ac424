/**
 * Regular expressions that answer in limited time, whatever a client sends. JavaScriptCore backtracks, and for some expressions the
 * steps double with each character. Its compiled code then runs for minutes. Its interpreter gives up after 10^8 steps and reports
 * "no match", so a location that should refuse the request would be skipped. Therefore JavaScriptCore gets short texts only;
 * longer ones go to linear-regex.ts, which is a little slower per character.
 */
import { nameText, octets } from "../http/octets.ts";
import { LinearRegex } from "./linear-regex.ts";
import { longestText } from "./regex-cost.ts";
import { hasOtherGroups } from "./regex-groups.ts";
import { readLabel } from "./regex-labels.ts";
import { parseRegex, type Syntax } from "./regex-syntax.ts";
import { RunRegex } from "./run-regex.ts";

/** Short enough for any expression that linear-regex.ts cannot decide: those with look-around or back-references, which are rare. */
export const SHORT = 20;

/** Most steps of linear-regex.ts for one text: some 20 ms. */
const MOST_STEPS = 500_000;

/** What PCRE calls a group of JavaScript. */
interface Label {
  readonly number: number;
  readonly name: string | null;
}

export class SureRegex {
  /** Number of groups, without the whole match. */
  readonly groupCount: number;
  /** Texts up to so many characters go to JavaScriptCore. */
  private readonly longest: number;
  /** Made when first needed; null: the expression cannot be compiled. */
  private linear: LinearRegex | null | undefined = undefined;
  /** For a mere run of characters. */
  private readonly run: RunRegex | null;
  /** PCRE's groups, if JavaScript counts others. */
  private readonly labels: readonly Label[] | null;
  /** A short text needs nothing but JavaScriptCore. */
  private readonly isPlain: boolean;

  /** @param regex without the flags `g`, `y` and `m`. With `u` it matches what the octets say in UTF-8, else the octets */
  constructor(private readonly regex: RegExp) {
    const syntax = parseRegex(regex.source);
    this.labels = labelsOf(syntax);
    this.groupCount =
      this.labels === null ? syntax.groupCount - 1 : Math.max(...this.labels.map(({ number }) => number));
    this.run = RunRegex.of(syntax, regex.flags);
    this.isPlain = this.labels === null && !regex.unicode;
    this.longest = hasOtherGroups(syntax.root) ? 0 : longestText(syntax.root);
  }

  /** The groups of the match in a text (octets); null: no match; undefined: unknown, also for what is no UTF-8 where that counts. */
  exec(text: string): RegExpExecArray | null | undefined {
    if (this.isPlain && text.length <= this.longest) return this.regex.exec(text);
    if (this.regex.unicode) return this.execUnicode(text);
    const found = this.find(text);
    return this.labels === null || !found ? found : asLabelled(found, this.labels);
  }

  private execUnicode(text: string): RegExpExecArray | null | undefined {
    const decoded = nameText(text);
    const found = decoded.isWellFormed() ? this.find(decoded) : undefined;
    if (!found) return found;
    const result = this.labels === null ? found : asLabelled(found, this.labels);
    for (const [i, group] of result.entries()) if (group !== undefined) result[i] = octets(group);
    for (const name in result.groups) result.groups[name] &&= octets(result.groups[name]);
    return result;
  }

  private find(text: string): RegExpExecArray | null | undefined {
    if (text.length <= this.longest) return this.regex.exec(text);
    if (this.run !== null) return this.run.exec(text);
    if (this.linear === undefined) this.linear = LinearRegex.of(this.regex);
    if (this.linear !== null && this.linear.steps(text) <= MOST_STEPS) {
      const found = this.linear.exec(text);
      if (found === null || !this.linear.isLoose) return found;
    }
    return text.length <= SHORT ? this.regex.exec(text) : undefined;
  }
}

/** The labels of the groups from 1 on; null: they have none. */
function labelsOf({ groupCount, names }: Syntax): Label[] | null {
  const labels: Label[] = [];
  for (const [name, index] of names) {
    const label = readLabel(name);
    if (label !== null) labels[index - 1] = label;
  }
  return labels.length === 0 || groupCount === 1 ? null : labels;
}

/** The match as PCRE numbers its groups. Of several with one number the one that has a text counts. */
function asLabelled(found: RegExpExecArray, labels: readonly Label[]): RegExpExecArray {
  const groups: { [name: string]: string } = {};
  const result: (string | undefined)[] = [found[0]];
  for (const [i, { number, name }] of labels.entries()) {
    if (number === 0) continue;
    const text = (result[number] ??= found[i + 1]);
    if (name !== null && text !== undefined) groups[name] = text;
  }
  for (let i = 0; i < result.length; i++) result[i] ??= undefined;
  return Object.assign(result as [string, ...string[]], { index: found.index, input: found.input, groups });
}
