/** When a request that has failed with one peer goes to the next (`*_next_upstream`, `_tries`, `_timeout`). */
import type { FamilySettings } from "../../config/gateway.ts";

/** Why an attempt has failed. */
export type Failure = "error" | "timeout" | "invalid_header" | `http_${number}`;

/** As nginx; RFC 9110 §9.2.2 has no others that are common. */
const NON_IDEMPOTENT: readonly string[] = ["POST", "LOCK", "PATCH"];

export class Retries {
  private readonly idempotent: boolean;
  private attempts = 0;

  constructor(
    private readonly settings: Pick<FamilySettings, "nextUpstream" | "nextUpstreamTries" | "nextUpstreamTimeout">,
    method: string,
    private readonly startedAt: number,
  ) {
    this.idempotent = !NON_IDEMPOTENT.includes(method);
  }

  /** An attempt begins. As in nginx, a kept connection that has gone, and the new one in its place, count as one. */
  count(): void {
    this.attempts++;
  }

  /** Whether a request may be sent once more. @param sent whether a part of it was sent, so that the peer may have acted on it */
  mayRepeat(sent: boolean): boolean {
    return this.idempotent || !sent || this.names("non_idempotent");
  }

  /** Whether the failure leads to the next peer, if there is one. */
  goesOn(failure: Failure, sent: boolean, now: number): boolean {
    const { nextUpstreamTries, nextUpstreamTimeout } = this.settings;
    if (!this.names(failure) || !this.mayRepeat(sent)) return false;
    if (nextUpstreamTries > 0 && this.attempts >= nextUpstreamTries) return false;
    return nextUpstreamTimeout === 0 || now - this.startedAt < nextUpstreamTimeout;
  }

  private names(word: string): boolean {
    return (this.settings.nextUpstream as readonly string[]).includes(word);
  }
}
