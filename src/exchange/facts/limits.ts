/** What the limits on requests and connections have decided about a request, and what they hold for it. */

/** The values of $limit_req_status and $limit_conn_status. */
type LimitStatus = "PASSED" | "DELAYED" | "REJECTED" | "DELAYED_DRY_RUN" | "REJECTED_DRY_RUN";

/** Shared by a request and its subrequests: as in nginx, the first location with a limit decides for all of them. */
export class LimitState {
  /** null: no limit applied. */
  requests: LimitStatus | null = null;
  connections: LimitStatus | null = null;
  private users = 1;
  private held: (() => void)[] = [];

  retain(): this {
    this.users++;
    return this;
  }

  /** Keeps `release` to be called when the request and its subrequests are over. */
  hold(release: () => void): void {
    this.held.push(release);
  }

  /** Releases what is held. */
  drop(): void {
    const { held } = this;
    this.held = [];
    for (const release of held) release();
  }

  /** One of those that share it is over. */
  release(): void {
    if (--this.users === 0) this.drop();
  }
}
