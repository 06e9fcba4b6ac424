/** `auth_basic` (ngx_http_auth_basic_module): a request needs the name and password of a user in a password file. */
import { ERRNO, errnoText } from "../../../ffi/errno.ts";
import type { Template } from "../../config/parts.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import { ANSWERED, GO_ON, LATER, type Verdict } from "../../exchange/phase.ts";
import { evaluateOctets, evaluatePath } from "../../exchange/templates.ts";
import { basicChallenge, basicCredentials } from "../../http/basic.ts";
import { fieldValue } from "../../http/reply/response.ts";
import { Alarm } from "../../network/timers.ts";
import { guesserOf } from "./guesses.ts";
import type { Login, Outcome, Passwords } from "./passwords.ts";
import { unauthorized } from "./unauthorized.ts";

/** The `auth_basic` of a location. */
export interface PasswordRules {
  readonly realm: Template;
  readonly file: Template | null;
}

/** Most bytes of a user or password. Longer passwords make each round of a hash slower, and no tool makes such entries. */
const LONGEST = 512;
const CONTROL = /[\0-\x1f\x7f]/;
/** Retry-After, in seconds, when too many passwords are being checked. */
const RETRY_AFTER = "5";

/** A phase: lets the request go on if user and password are right; else replies 401, perhaps later. */
export function askPassword(exchange: Exchange, rules: PasswordRules, passwords: Passwords): Verdict {
  const realm = evaluateOctets(rules.realm, exchange);
  if (realm === "off") return GO_ON;
  const given = credentialsOf(exchange);
  if (given === null) {
    exchange.log("info", "no user/password was provided for basic authentication");
    return challenge(exchange, realm);
  }
  const path = rules.file === null ? "" : evaluatePath(rules.file, exchange);
  const file = passwords.files.get(path, exchange.services.clock.now);
  if (typeof file === "number") return noFile(exchange, path, file);
  const login = { file, user: given.user, password: given.password };
  if (passwords.remembers(login)) return enter(exchange, login.user);
  return new Attempt(exchange, passwords, login, path, realm).begin();
}

function credentialsOf({ request }: Exchange): Omit<Login, "file"> | null {
  const at = request.fieldIndex("authorization");
  const given = at < 0 ? null : basicCredentials(request.fieldValue(at));
  if (given === null || request.fieldIndex("authorization", at + 1) >= 0) return null;
  if (given.user.length > LONGEST || given.password.length > LONGEST) return null;
  if (CONTROL.test(given.user) || CONTROL.test(given.password)) return null; // RFC 7617 §2
  return { user: given.user, password: Buffer.from(given.password, "latin1") };
}

function challenge(exchange: Exchange, realm: string): Verdict {
  return unauthorized(exchange, [["WWW-Authenticate", fieldValue(basicChallenge(realm))]]);
}

/** As in nginx: 403 if the file is missing, 500 if it can't be read. */
function noFile(exchange: Exchange, path: string, error: number): Verdict {
  const missing = error === -ERRNO.ENOENT || error === -ERRNO.ENOTDIR;
  const what = path === "" ? "there is no auth_basic_user_file" : `open() "${path}" failed (${errnoText(error)})`;
  exchange.log(missing ? "error" : "crit", what);
  exchange.fail(missing ? 403 : 500);
  return ANSWERED;
}

function enter(exchange: Exchange, user: string): Verdict {
  exchange.user = user;
  return GO_ON;
}

/** A request whose password is not remembered. It waits for the check; after a wrong password also for the delay that slows guessing. */
class Attempt {
  private readonly guesser: string;
  private readonly alarm: Alarm;
  /** Whether `begin` has returned LATER: then the verdict is reported through the exchange. */
  private waits = false;
  /** The client left during the delay. */
  private hasLeft = false;

  constructor(
    private readonly exchange: Exchange,
    private readonly passwords: Passwords,
    private readonly login: Login,
    private readonly path: string,
    private readonly realm: string,
  ) {
    this.guesser = guesserOf(exchange.connection.remoteBytes);
    this.alarm = new Alarm(() => (this.hasLeft ? this.passwords.guesses.leave(this.guesser) : this.refuse()));
  }

  begin(): Verdict {
    const { exchange, passwords, guesser } = this;
    if (!passwords.guesses.enter(guesser)) return tooMany(exchange, 429, "too many unanswered passwords");
    const outcome = passwords.check(this.login, this.report);
    if (outcome === "busy") {
      passwords.guesses.leave(guesser);
      return tooMany(exchange, 503, "too many passwords are being checked");
    }
    const verdict = outcome === "later" ? LATER : this.conclude(outcome);
    this.waits = true;
    if (verdict === LATER && exchange.onGone === null) exchange.onGone = () => this.gone(); // else only `auth_delay` is waited for
    return verdict;
  }

  private readonly report = (outcome: Outcome): void => {
    try {
      if (this.conclude(outcome) === GO_ON) this.exchange.proceed();
    } catch (error) {
      this.exchange.crash(error);
    }
  };

  private conclude(outcome: Outcome): Verdict {
    const { exchange, passwords, login } = this;
    if (outcome === "right") {
      this.end();
      return enter(exchange, login.user);
    }
    exchange.log("error", this.reason(outcome));
    const { reactor, clock } = exchange.services;
    const delay = passwords.guesses.wrong([this.guesser, `${this.path}:${login.user}`], clock.now);
    if (delay === 0) return this.refuse();
    reactor.timers.start(this.alarm, delay, reactor.now);
    return LATER;
  }

  private reason(outcome: Exclude<Outcome, "right">): string {
    const name = `user "${this.login.user}"`;
    if (outcome === "wrong") return `${name}: password mismatch`;
    if (outcome === "unknown") return `${name} was not found in "${this.path}"`;
    return `${name}: the hash in "${this.path}" ${outcome.problem}`;
  }

  private refuse(): Verdict {
    this.end();
    return challenge(this.exchange, this.realm);
  }

  private end(): void {
    this.passwords.guesses.leave(this.guesser);
    if (this.waits) this.exchange.onGone = null;
  }

  /** Whoever leaves during the delay keeps the place until its end: else leaving early would be a way to guess fast. */
  private gone(): void {
    this.hasLeft = this.alarm.timerList !== null;
    if (this.hasLeft) return;
    this.passwords.withdraw(this.login, this.report);
    this.passwords.guesses.leave(this.guesser);
  }
}

function tooMany(exchange: Exchange, status: number, why: string): Verdict {
  exchange.log("warn", why);
  exchange.fail(status, [["Retry-After", RETRY_AFTER]]);
  return ANSWERED;
}
