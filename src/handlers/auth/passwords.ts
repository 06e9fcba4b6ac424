/** Checks passwords for a server: owns the password files, the remembered answers, the checks in progress and the counts of guesses. */
import type { CheckBcrypt } from "../../../ffi/bcrypt.ts";
import type { Services } from "../../exchange/services.ts";
import { Guesses } from "./guesses.ts";
import { RememberedAnswers } from "./remembered.ts";
import { checkOf } from "./schemes/schemes.ts";
import { type UserFile, UserFiles } from "./user-files.ts";
import { type Job, Verifications } from "./verifications.ts";

/** The result of checking a password. `problem`: why the user's hash can't be computed. */
export type Outcome = "right" | "wrong" | "unknown" | { readonly problem: string };

/** Called once with the result. */
type Report = (outcome: Outcome) => void;

/** A check under way, and who waits for it. */
interface Check {
  readonly job: Job;
  readonly reports: Report[];
}

/** The user and password of a request. */
export interface Login {
  readonly file: UserFile;
  /** Octets. */
  readonly user: string;
  readonly password: Uint8Array;
}

export class Passwords {
  readonly files: UserFiles;
  readonly guesses = new Guesses();
  private readonly verifications: Verifications;
  private remembered: RememberedAnswers | null = null;
  /** Checks in progress by the name of their answer. Several requests may wait for one: a browser sends the same on several connections. */
  private readonly pending = new Map<string, Check>();

  constructor(
    private readonly services: Pick<Services, "kernel" | "clock" | "reactor" | "randomHex">,
    checkBcrypt: CheckBcrypt,
  ) {
    this.files = new UserFiles(services.kernel);
    this.verifications = new Verifications(services.reactor, checkBcrypt);
  }

  /** Whether the same password was right within the last minute. */
  remembers(login: Login): boolean {
    return this.answers.has(this.nameOf(login), this.services.clock.now);
  }

  /**
   * Checks a password.
   * @returns the outcome if it is known at once; "later": `report` will be called in a later turn, unless `withdraw` is called; "busy":
   *   too many are being checked
   */
  check(login: Login, report: Report): Outcome | "later" | "busy" {
    const name = this.nameOf(login);
    const others = this.pending.get(name);
    if (others !== undefined) {
      others.reports.push(report);
      return "later";
    }
    return this.begin(login, name, report);
  }

  /**
   * The client has left: `report` is not called any more. A check that nobody waits for is given up unless a thread works on it:
   * else those who guess and leave would fill the queue for all others.
   */
  withdraw(login: Login, report: Report): void {
    const name = this.nameOf(login);
    const check = this.pending.get(name);
    const at = check?.reports.indexOf(report) ?? -1;
    if (check === undefined || at < 0) return;
    check.reports.splice(at, 1);
    if (check.reports.length === 0 && this.verifications.cancel(check.job)) this.pending.delete(name);
  }

  /** Starts a check. For an unknown user another user's hash is computed, so that the time does not tell which users exist. */
  private begin(login: Login, name: string, report: Report): Outcome | "later" | "busy" {
    const { file, user, password } = login;
    const own = file.hash(user);
    const hash = own ?? file.anyHash();
    if (hash === undefined) return "unknown";
    const check = checkOf(password, hash);
    const outcome = (right: boolean): Outcome => (own === undefined ? "unknown" : right ? "right" : "wrong");
    if (check.kind === "refused") return own === undefined ? "unknown" : check;
    if (check.kind === "known") return this.settle(name, outcome(check.right));
    if (this.verifications.full) return "busy";
    const rounds = check.kind === "rounds" ? check.check : null;
    const job: Job = { password, hash, rounds, done: (right) => this.report(name, outcome(right)) };
    this.pending.set(name, { job, reports: [report] });
    this.verifications.begin(job);
    return "later";
  }

  private report(name: string, outcome: Outcome): void {
    const { reports } = this.pending.get(name)!;
    this.pending.delete(name);
    this.settle(name, outcome);
    for (const report of reports) report(outcome);
  }

  private settle(name: string, outcome: Outcome): Outcome {
    if (outcome === "right") this.answers.add(name, this.services.clock.now);
    return outcome;
  }

  private nameOf({ file, user, password }: Login): string {
    return this.answers.name(file.version, user, password);
  }

  /** Its key is made when first needed, so that a server without passwords asks for no random bytes. */
  private get answers(): RememberedAnswers {
    this.remembered ??= new RememberedAnswers(this.services.randomHex(32));
    return this.remembered;
  }
}
