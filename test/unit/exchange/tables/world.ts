/** Asks variables of a configuration's text for values, without a server. */
import { Evaluators } from "../../../../src/exchange/evaluators.ts";
import { config, type Entry } from "../../config/fake-files.ts";
import { FakeExchange, FakeServices, location, type RequestLike } from "../../handlers/world.ts";

/** The variables of a configuration whose top level has this text, as a function from a variable's name and a request to its octets. */
export function variablesOf(
  text: string,
  files: Readonly<Record<string, Entry>> = {},
): (name: string, request?: RequestLike) => string {
  const ask = asking(text, files);
  return (name, request = {}) => ask(request)(name);
}

/** As `variablesOf`, for several variables of one request. */
export function asking(text: string, files: Readonly<Record<string, Entry>> = {}) {
  const templates = new Evaluators(config(`${text} server { }`, files).tables);
  const services = new FakeServices();
  Object.assign(services, { templates });
  return (request: RequestLike): ((name: string) => string) => {
    const exchange = new FakeExchange(services, location({}), request);
    return (name) => templates.variable(name)(exchange);
  };
}
