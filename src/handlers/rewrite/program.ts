/** The steps of a block as functions, made once (ngx_http_rewrite_module). */
import type { RewriteStep } from "../../config/settings/rewrite.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import { ANSWERED, GO_ON, type Phase } from "../../exchange/phase.ts";
import type { HandlerServices } from "../services.ts";
import { returnStep } from "./return-step.ts";
import { rewriteStep } from "./rewrite-step.ts";
import { setStep } from "./set-step.ts";
import { Run, type Step } from "./step.ts";
import { testOf } from "./test.ts";

/** What the steps need of the server. */
type ProgramServices = Pick<HandlerServices, "templates" | "compression" | "kernel" | "observer">;

export class Program {
  private constructor(private readonly steps: readonly Step[]) {}

  /** The program of a block; null: it has no steps. */
  static of(steps: readonly RewriteStep[], services: ProgramServices): Program | null {
    return steps.length === 0 ? null : new Program(steps.map((step) => compile(step, services)));
  }

  /** Does the steps. Gives what became of the request: an answer, or whether the path has changed. */
  run(exchange: Exchange): Run {
    const run = new Run(exchange);
    doAll(this.steps, exchange, run);
    return run;
  }
}

/** The phase of a location's program. */
export function rewritePhase(program: Program): Phase {
  return (exchange) => {
    const { answer, changed } = program.run(exchange);
    if (answer !== null) return answer;
    return !changed || exchange.rewriting.lookUpAgain() ? GO_ON : ANSWERED;
  };
}

/** False: the program has ended. */
function doAll(steps: readonly Step[], exchange: Exchange, run: Run): boolean {
  for (const step of steps) if (!step(exchange, run)) return false;
  return true;
}

function compile(step: RewriteStep, services: ProgramServices): Step {
  const { observer } = services;
  const made = unobserved(step, services);
  if (observer === undefined || step.kind === "if") return made;
  return (exchange, run) => {
    const before = exchange.captures;
    const goesOn = made(exchange, run);
    const { captures } = exchange;
    observer.taken(step, exchange, captures !== null && captures !== before && captures.input !== "");
    return goesOn;
  };
}

function unobserved(step: RewriteStep, services: ProgramServices): Step {
  switch (step.kind) {
    case "set":
      return setStep(step, services.templates);
    case "rewrite":
      return rewriteStep(step, services.templates);
    case "return":
      return returnStep(step, services);
    case "break":
      return breakStep;
    case "if":
      return ifStep(step, services);
  }
}

/** As in nginx, a path that was changed before it stays in this location, like that of `rewrite ... break`. */
const breakStep: Step = (exchange, run) => {
  if (run.changed) exchange.rewriting.passesWholePath = true;
  run.changed = false;
  return false;
};

function ifStep(step: Extract<RewriteStep, { kind: "if" }>, services: ProgramServices): Step {
  const { test, steps, location } = step;
  const { observer } = services;
  const holds = testOf(test, services);
  const inner = steps.map((each) => compile(each, services));
  return (exchange, run) => {
    const verdict = holds(exchange, run);
    observer?.tested(step, exchange, verdict);
    if (verdict === undefined) return run.fail();
    if (!verdict) return true;
    if (location !== null) exchange.rewriting.enterCondition(location);
    return doAll(inner, exchange, run);
  };
}
