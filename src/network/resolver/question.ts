/** One question of a look-up: the addresses of one kind of a name, through all its aliases. Pure. */
import { type AddressType, CODE, encodeQuestion, hostName, type Reply } from "./message.ts";

/** Most aliases (CNAME) that are followed, as in nginx. */
const MOST_ALIASES = 50;

/** What became of a reply. */
export enum Taken {
  /** It answers something else: perhaps someone guesses. */
  Ignored,
  /** The question is answered, perhaps by an error. */
  Done,
  /** An alias leads to a name that has to be asked for. */
  AskAgain,
  /** The answer is incomplete: it has to be asked for by TCP. */
  Truncated,
  /** This server cannot answer; another may. */
  Refused,
}

export class Question {
  /** One of CODE; null: not answered yet. */
  code: number | null = null;
  readonly addresses: string[] = [];
  /** Seconds that the answer counts: the least of its records. */
  ttl = Number.POSITIVE_INFINITY;
  /** Of the last message; -1: nothing was asked yet. */
  private id = -1;
  private aliases = 0;

  /**
   * @param name valid (see hostName); becomes the last alias
   * @param randomId gives 16 random bits
   */
  constructor(
    public name: string,
    readonly type: AddressType,
    private readonly randomId: () => number,
  ) {}

  get done(): boolean {
    return this.code !== null;
  }

  /** The message for the next attempt, with another id. */
  ask(): Buffer {
    this.id = this.randomId();
    return encodeQuestion(this.id, this.name, this.type);
  }

  /** Takes a reply. @param partial whether what a truncated one has is enough (by TCP nothing more can come) */
  take(reply: Reply, partial: boolean): Taken {
    const { id, question, code } = reply;
    if (this.done || id !== this.id || question.name !== this.name || question.type !== this.type) return Taken.Ignored;
    if (reply.truncated && !partial) return Taken.Truncated;
    if (code !== CODE.none && code !== CODE.noName) return Taken.Refused;
    if (code === CODE.noName) return this.finish(CODE.noName);
    return this.follow(reply);
  }

  /** The question cannot be answered. */
  fail(code: number): void {
    this.code = code;
  }

  private finish(code: number): Taken {
    this.code = code;
    return Taken.Done;
  }

  /** Follows the aliases in the answer to the addresses. */
  private follow({ records }: Reply): Taken {
    const start = this.name;
    for (;;) {
      const own = records.filter(({ name }) => name === this.name);
      const found = own.filter(({ type }) => type === this.type);
      for (const { data, ttl } of found) this.add(data, ttl);
      if (found.length > 0) return this.finish(CODE.none);
      const alias = own.find(({ type }) => type === "CNAME");
      if (alias === undefined) break;
      const target = hostName(alias.data);
      if (target === null || ++this.aliases > MOST_ALIASES) return this.finish(CODE.noName);
      this.ttl = Math.min(this.ttl, alias.ttl);
      this.name = target;
    }
    if (this.name === start) return this.finish(CODE.noName); // the name exists, but not with such an address
    return Taken.AskAgain;
  }

  private add(address: string, ttl: number): void {
    if (!this.addresses.includes(address)) this.addresses.push(address);
    this.ttl = Math.min(this.ttl, ttl);
  }
}
