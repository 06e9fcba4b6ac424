/** `return` as a step of a program. */
import type { Settings } from "../../config/model.ts";
import type { ReturnStep } from "../../config/settings/rewrite.ts";
import { ReturnHandler } from "../return.ts";
import type { HandlerServices } from "../services.ts";
import type { Step } from "./step.ts";

/** Answers by the settings of the location that the request is in by then: an `if` before it may have held. */
export function returnStep({ rule }: ReturnStep, services: Pick<HandlerServices, "compression" | "templates">): Step {
  const handlers = new Map<Settings, ReturnHandler>();
  return (exchange, run) => {
    const { settings } = exchange;
    let handler = handlers.get(settings);
    if (handler === undefined) handlers.set(settings, (handler = new ReturnHandler(rule, settings, services)));
    run.answer = handler;
    return false;
  };
}
