/** One group of sessions: those of a server name, a cookie's name and a file (or memory). */

import { cookieValue } from "../../http/cookie.ts";
import type { RequestHead } from "../../http/request/request.ts";
import { type Ids, idIn } from "./ids.ts";
import { ENDED, RENEWAL, Sessions } from "./memory.ts";

/** A visitor's cookie that is valid. */
export interface Visit {
  readonly id: string;
  /** The cookie is to be sent again. */
  readonly renew: boolean;
}

export class SessionStore {
  readonly sessions: Sessions;
  /** The longest lifetime and the largest bound of the locations that share the store: a session is the same one in all of them. */
  lifetime = 0;
  most = 0;
  private ids!: Ids;
  /** Of the time when the file could not be opened: what was issued then stays valid. */
  private formerIds: Ids | null = null;

  constructor(
    readonly scope: string,
    hasFile: boolean,
    /** ms since 1970, which never steps. */
    readonly now: () => number,
  ) {
    this.sessions = new Sessions(hasFile);
  }

  /** Issues with `ids` from now on. */
  issueWith(ids: Ids): void {
    this.formerIds = this.ids ?? null;
    this.ids = ids;
  }

  cookie(id: string): string {
    return this.ids.cookie(id, this.now());
  }

  /** The visitor's session, by the first cookie called `name` that proves one that lives; it is then used. null: none does. */
  visit(request: RequestHead, name: string): Visit | null {
    let found: Visit | null = null;
    cookieValue(request, name, (value) => {
      found = this.check(value);
      return found !== null;
    });
    return found;
  }

  /** What is stored lives from its last use; what is not, from when the cookie was sent, unless it may have been ended since. */
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
    // A time in the future is of a clock that has been set back since.
    return { id, renew: sent < 0 || Math.abs(now - sentAt) >= lifetime * RENEWAL };
  }
}
