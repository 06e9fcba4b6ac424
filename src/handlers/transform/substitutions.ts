/**
 * `sub_filter` (ngx_http_sub_filter_module): the texts that are looked for. They match whatever the case of ASCII letters is. As in
 * nginx the match that begins first counts, and of several that begin there the one that was configured first.
 */

/** A set of texts, compiled to one expression over octets. */
export class Texts {
  /** Small letters for A to Z; none is empty. */
  readonly list: readonly string[];
  readonly longest: number;
  private readonly expression: RegExp;
  /** The other texts without the one at an index, by that index. */
  private readonly rests: (Texts | undefined)[] = [];

  constructor(texts: readonly string[]) {
    this.list = texts.map(lowered);
    this.longest = texts.reduce((most, { length }) => Math.max(most, length), 0);
    this.expression = new RegExp(this.list.map(anyCase).join("|") || "[]", "g");
  }

  /** The first match in `octets` from `at` on; null: there is none. */
  find(octets: string, at: number): { readonly start: number; readonly length: number; readonly index: number } | null {
    this.expression.lastIndex = at;
    const match = this.expression.exec(octets);
    if (match === null) return null;
    const { length } = match[0];
    return { start: match.index, length, index: this.list.indexOf(lowered(match[0])) };
  }

  /** Offset in `octets`, from `at` on, at which only what follows them can tell whether and which text begins there; their length: none. */
  undecided(octets: string, at: number): number {
    const first = Math.max(at, octets.length - this.longest + 1);
    const end = lowered(octets.slice(first));
    for (let i = 0; i < end.length; i++) if (this.isUndecided(end.slice(i))) return first + i;
    return octets.length;
  }

  private isUndecided(rest: string): boolean {
    for (const text of this.list) {
      if (rest.startsWith(text)) return false;
      if (text.startsWith(rest)) return true;
    }
    return false;
  }

  without(index: number): Texts {
    return (this.rests[index] ??= new Texts(this.list.filter((_, i) => i !== index)));
  }
}

const lowered = (text: string): string => text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());

/** The text as an expression. The flag `i` is not used, because it takes É and é as equal too, which in octets mean anything. */
function anyCase(text: string): string {
  return text.replace(/[\x00-\xff]/g, (character) => {
    if (/[a-z]/.test(character)) return `[${character}${character.toUpperCase()}]`;
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
  });
}
