/** The protocol of each family of `*_pass`. */
import type { Pass } from "../../config/gateway.ts";
import type { Settings } from "../../config/model.ts";
import { HttpProtocol } from "../proxy/protocol.ts";
import type { HandlerServices } from "../services.ts";
import type { Protocol } from "./protocol.ts";

/** The protocol of a location's `*_pass`. */
export function protocolOf(settings: Settings, { templates }: HandlerServices): Protocol {
  const { family } = settings.pass!;
  if (family === "proxy") return new HttpProtocol(settings, templates);
  throw new Error(`${family}_pass is not there yet`);
}

/** How the URLs of a pass begin in the error log. */
export const schemeOf = ({ family, scheme }: Pass): string => `${family === "proxy" ? scheme : family}://`;
