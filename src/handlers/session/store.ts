/** One group of sessions: those with the same server name, cookie name and file (or memory). */

import { cookieValue } from "../../http/cookie.ts";
import type { RequestHead } from "../../http/request/request.ts";
import { type Ids, idIn } from "./ids.ts";
import { ENDED, RENEWAL, Sessions } from "./memory.ts";

/** A visitor with a valid cookie. */
interface Visit {
  readonly id: string;
  /** Whether to send the cookie again. */
  readonly renew: boolean;
}

export class SessionStore {
  readonly sessions: Sessions;
  /** The longest lifetime and the largest limit of all locations that share the store. */
  lifetime = 0;
  most = 0;
  private ids!: Ids;
  /** The signer used while the file could not be opened: its cookies stay valid. */
  private formerIds: Ids | null = null;

  constructor(
    readonly scope: string,
    hasFile: boolean,
    /** ms since 1970, from a clock that never steps. */
    readonly now: () => number,
  ) {
    this.sessions = new Sessions(hasFile);
  }

  /** Issues cookies with `ids` from now on. */
  issueWith(ids: Ids): void {
    this.formerIds = this.ids ?? null;
    this.ids = ids;
  }

  cookie(id: string): string {
    return this.ids.cookie(id, this.now());
  }

  /** The visitor's session: by the first cookie called `name` that is valid. Records a use. Null: there is none. */
  visit(request: RequestHead, name: string): Visit | null {
    let found: Visit | null = null;
    cookieValue(request, name, (value) => {
      found = this.check(value);
      return found !== null;
    });
    return found;
  }

  /** Checks a cookie. A stored session expires after its last use; one without data after its cookie was sent, unless it may have been ended since. */
  private check(value: string): Visit | null {
    const { lifetime } = this;
    const sent = this.ids.sentAt(value);
    const sentAt = sent < 0 && this.formerIds !== null ? this.formerIds.sentAt(value) : sent;
    if (sentAt < 0) return null;
    const now = this.now();
    const id = idIn(value);
    const entry = this.sessions.get(id, now, lifetime);
    const isOver = now - sentAt >= lifetime || sentAt <= this.sessions.forgottenEnd;
    if (entry === undefined ? isOver : entry.data === ENDED) return null;
    if (entry !== undefined) this.sessions.touch(entry, now, lifetime);
    // A time in the future means that the clock was set back since.
    return { id, renew: sent < 0 || Math.abs(now - sentAt) >= lifetime * RENEWAL };
  }
}
