/** Finds the scheme of a stored hash and starts the check of a password. */
import { md5Crypt } from "./md5-crypt.ts";
import { checkPlain } from "./plain.ts";
import type { RoundsCheck } from "./rounds.ts";
import { shaCrypt } from "./sha-crypt.ts";

const BCRYPT = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/;
const LEAST_COST = 4;
/** Largest cost of bcrypt: about 5 s of a thread, 16 times as long as cost 12. */
const MOST_COST = 16;

/** How a password is checked. */
type Check =
  | { readonly kind: "known"; readonly right: boolean }
  | { readonly kind: "rounds"; readonly check: RoundsCheck }
  | { readonly kind: "bcrypt" }
  /** `problem`: the end of a sentence that begins with the hash. */
  | { readonly kind: "refused"; readonly problem: string };

/** Starts checking `password` against `hash` (octets). */
export function checkOf(password: Uint8Array, hash: string): Check {
  const plain = checkPlain(password, hash);
  if (plain !== null) return { kind: "known", right: plain };
  const cost = BCRYPT.exec(hash)?.[1];
  if (cost !== undefined) return bcrypt(Number(cost));
  const check = md5Crypt(password, hash) ?? shaCrypt(password, hash);
  if (check === null)
    return refused("is of no scheme that Webserv knows (bcrypt, $apr1$, $5$, $6$, {SHA}, {SSHA}, {PLAIN})");
  return typeof check === "string" ? refused(`is not computed: ${check}`) : { kind: "rounds", check };
}

const refused = (problem: string): Check => ({ kind: "refused", problem });

function bcrypt(cost: number): Check {
  if (cost < LEAST_COST) return refused(`has a bcrypt cost below ${LEAST_COST}`);
  return cost > MOST_COST ? refused(`has a bcrypt cost above ${MOST_COST}`) : { kind: "bcrypt" };
}
