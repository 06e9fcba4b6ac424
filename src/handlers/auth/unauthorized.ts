/** 401, at once or after `auth_delay`: then how long a check took does not show. */
import type { Exchange } from "../../exchange/exchange.ts";
import { ANSWERED, LATER, type Verdict } from "../../exchange/phase.ts";
import type { Field } from "../../exchange/reply.ts";
import { Alarm } from "../../network/timers.ts";

/** Answers a request for which a phase has found no right. @param fields the challenges */
export function unauthorized(exchange: Exchange, fields: readonly Field[]): Verdict {
  const { authDelay } = exchange.settings;
  if (authDelay > 0) return keepBack(exchange, fields, authDelay);
  exchange.fail(401, fields);
  return ANSWERED;
}

function keepBack(exchange: Exchange, fields: readonly Field[], delay: number): Verdict {
  const { reactor } = exchange.services;
  const alarm = new Alarm(() => {
    exchange.onGone = null;
    try {
      exchange.fail(401, fields);
    } catch (error) {
      exchange.crash(error);
    }
  });
  reactor.timers.start(alarm, delay, reactor.now);
  exchange.onGone = () => alarm.timerList?.stop(alarm);
  return LATER;
}
