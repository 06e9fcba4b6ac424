/** Which scheme a stored hash is of, and how a password is checked against it. */
import { md5Crypt } from "./md5-crypt.ts";
import { checkPlain } from "./plain.ts";
import type { RoundsCheck } from "./rounds.ts";
import { shaCrypt } from "./sha-crypt.ts";

const BCRYPT = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/;
const LEAST_COST = 4;
/** 16 times the time of cost 12, which is already slow: some 5 s of a thread. */
const MOST_COST = 16;

/** What it takes to check a password. */
type Check =
  | { readonly kind: "known"; readonly right: boolean }
  | { readonly kind: "rounds"; readonly check: RoundsCheck }
  | { readonly kind: "bcrypt" }
  /** `problem` ends a sentence about the hash. */
  | { readonly kind: "refused"; readonly problem: string };

/** Begins to check `password` against `hash`, which is octets. */
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
