/** The protocol of each family of `*_pass`. */
import type { Pass } from "../../config/gateway.ts";
import type { Settings } from "../../config/model.ts";
import { FastcgiProtocol } from "../fastcgi/fastcgi.ts";
import { ScgiProtocol } from "../fastcgi/scgi.ts";
import { UwsgiProtocol } from "../fastcgi/uwsgi.ts";
import { HttpProtocol } from "../proxy/protocol.ts";
import type { HandlerServices } from "../services.ts";
import type { Protocol } from "./protocol.ts";

/** The protocol of a location's `*_pass`. */
export function protocolOf(settings: Settings, { templates }: HandlerServices): Protocol {
  switch (settings.pass!.family) {
    case "proxy":
      return new HttpProtocol(settings, templates);
    case "fastcgi":
      return new FastcgiProtocol(settings, templates);
    case "uwsgi":
      return new UwsgiProtocol(settings, templates);
    case "scgi":
      return new ScgiProtocol(settings, templates);
  }
}

/** How the URLs of a pass begin in the error log. */
export const schemeOf = ({ family, scheme }: Pass): string => `${family === "proxy" ? scheme : family}://`;
