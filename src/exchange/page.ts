/** What requests have in common whose replies make one page: a client's request, and those that are included in its reply (`add_before_body`, SSI). */

/** As nginx: how deep replies may include others (NGX_HTTP_MAX_SUBREQUESTS and one), and how many there may be in all. */
const DEEPEST = 51;
const MOST_INCLUDED = 64_535;
/** Most included requests that begin in one turn of the loop, so that a page that includes itself many times does not hold up others. */
const MOST_IN_A_TURN = 32;

export class Page {
  /** Variables of SSI (octets), by names in small letters. */
  readonly variables = new Map<string, string>();
  /** Groups of the expression of SSI that matched last. */
  captures: readonly string[] = [];
  /** The blocks of SSI (octets), by name; of one name the first counts. */
  readonly blocks: { readonly name: string; text: string }[] = [];
  private included = 0;
  private turn = Number.NaN;
  private begun = 0;

  /** @param charset of the whole; null: unknown */
  constructor(readonly charset: string | null) {}

  /** Counts a further request within one of this depth (0: the client's). False: there are too many. */
  include(depth: number): boolean {
    this.begun++;
    return depth < DEEPEST && ++this.included <= MOST_INCLUDED;
  }

  /** Whether enough was included in this turn. */
  isBusy(turn: number): boolean {
    if (turn !== this.turn) this.begun = 0;
    this.turn = turn;
    return this.begun >= MOST_IN_A_TURN;
  }
}
