/** The arguments of `resolver`. */
import type { ResolverConfig } from "../gateway.ts";
import type { Scope } from "../scope.ts";
import { quote } from "../text/diagnostics.ts";
import type { Word } from "../text/parser.ts";
import { parseTime } from "./arguments.ts";
import { internetAddress, parsePeer } from "./peer.ts";

export const RESOLVER_SYNTAX = "ADDRESS[:PORT]... [valid=TIME] [ipv4=on|off] [ipv6=on|off]";
const DNS_PORT = 53;

/** Parses the words of a `resolver`; null after an error. */
export function parseResolver(scope: Scope, args: readonly Word[]): ResolverConfig | null {
  const servers: ResolverConfig["servers"][number][] = [];
  let valid: number | null = null;
  const families = { ipv4: true, ipv6: true };
  const wrong = ({ text, position }: Word, problem: string): null => {
    scope.error(position, `"resolver" ${quote(text)} ${problem}`);
    return null;
  };
  for (const word of args) {
    const [, name, value] = /^(valid|ipv4|ipv6|status_zone)=(.*)$/s.exec(word.text) ?? [];
    if (name === "status_zone") continue;
    if (name === "valid") {
      const time = parseTime(value!);
      if (time === undefined) return wrong(word, "is no time (expected valid=TIME, such as valid=30s)");
      valid = time;
    } else if (name === "ipv4" || name === "ipv6") {
      if (value !== "on" && value !== "off") return wrong(word, `is neither ${name}=on nor ${name}=off`);
      families[name] = value === "on";
    } else {
      const peer = parsePeer(word.text, DNS_PORT, scope.draft.prefix);
      if (typeof peer === "string") return wrong(word, peer);
      if (peer.address?.family === "unix") return wrong(word, "is no internet address");
      if (peer.address !== null) servers.push(peer.address);
      else {
        const found = scope.draft.gateway.lookUp(peer.host);
        if ("error" in found) return wrong(word, `was not found (${found.error})`);
        servers.push(...found.map((host) => internetAddress(host, peer.port!)));
      }
    }
  }
  if (servers.length === 0) return wrong(args[0]!, "names no server (expected the address of a DNS server)");
  if (!families.ipv4 && !families.ipv6) return wrong(args[0]!, 'has both "ipv4=off" and "ipv6=off"');
  return { servers, valid, ...families };
}
