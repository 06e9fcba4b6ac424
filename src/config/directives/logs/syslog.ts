/** `syslog:server=ADDRESS[,facility=...][,severity=...][,tag=...][,nohostname]` (nginx's "Logging to syslog"). */
import type { SocketAddress } from "../../../../ffi/inet.ts";
import type { Scope } from "../../scope.ts";
import type { SyslogTarget } from "../../settings/logs.ts";
import { quote } from "../../text/diagnostics.ts";
import { suggestion } from "../../text/suggest.ts";
import { internetAddress, parsePeer } from "../../values/peer.ts";

/** By number (RFC 3164 §4.1.1), in nginx's words. */
const FACILITIES =
  "kern user mail daemon auth intern lpr news uucp clock authpriv ftp ntp audit alert cron local0 local1 local2 local3 local4 local5 local6 local7".split(
    " ",
  );
const SEVERITIES = "emerg alert crit error warn notice info debug".split(" ");
const SYSLOG_PORT = 514;
/** RFC 3164 §4.1.3. */
const LONGEST_TAG = 32;

type Parts = { -readonly [K in keyof SyslogTarget]?: SyslogTarget[K] };

/** Reads what follows `syslog:`. A string tells what is wrong with it. */
export function parseSyslog(text: string, scope: Scope): SyslogTarget | string {
  const parts: Parts = {};
  for (const parameter of text.split(",")) {
    const problem = addParameter(parts, parameter, scope);
    if (problem !== "") return problem;
  }
  const { server, address, facility = 23, severity = 6, tag = "nginx", hostname = true } = parts;
  if (server === undefined || address === undefined) return "names no server";
  return { kind: "syslog", server, address, facility, severity, tag, hostname };
}

/** Gives "" or what is wrong. */
function addParameter(parts: Parts, parameter: string, scope: Scope): string {
  if (parameter === "nohostname") {
    parts.hostname = false;
    return "";
  }
  const [, name = "", value = ""] = /^(server|facility|severity|tag)=(.*)$/s.exec(parameter) ?? [];
  if (name !== "" && parts[name as "server"] !== undefined) return `has ${quote(name)} twice`;
  switch (name) {
    case "server":
      return addServer(parts, value, scope);
    case "tag":
      parts.tag = value;
      return /^\w*$/.test(value) && value.length <= LONGEST_TAG
        ? ""
        : `has the tag ${quote(value)}, which is not letters, digits and "_", at most ${LONGEST_TAG}`;
    case "facility":
      return (parts.facility = FACILITIES.indexOf(value)) < 0 ? unknown(name, value, FACILITIES) : "";
    case "severity":
      return (parts.severity = SEVERITIES.indexOf(value)) < 0 ? unknown(name, value, SEVERITIES) : "";
    default:
      return `has the unknown parameter ${quote(parameter)} (expected server=, facility=, severity=, tag= or nohostname)`;
  }
}

const unknown = (name: string, value: string, choices: readonly string[]): string =>
  `has the unknown ${name} ${quote(value)}${suggestion(value, choices)}`;

/** A name is looked up now; as in nginx, the first of its addresses is used. */
function addServer(parts: Parts, text: string, scope: Scope): string {
  const peer = parsePeer(text, SYSLOG_PORT, scope.draft.prefix);
  if (typeof peer === "string") return `has the server ${quote(text)}, which ${peer}`;
  const address = peer.address ?? lookedUp(peer.host, peer.port!, scope);
  if (typeof address === "string") return `has the server ${quote(peer.host)}, which was not found (${address})`;
  parts.server = peer.text;
  parts.address = address;
  return "";
}

/** The address, or why there is none. */
function lookedUp(host: string, port: number, scope: Scope): SocketAddress | string {
  const found = scope.draft.gateway.lookUp(host);
  if ("error" in found) return found.error;
  return found.length === 0 ? "it has no address" : internetAddress(found[0]!, port);
}
