/** The ids of visitors (ngx_http_userid_filter_module): which one a request has sent, which one its reply sets, and their variables. */
import { cookieVariable } from "../../http/cookie.ts";
import type { Exchange } from "../exchange.ts";
import { UserIds } from "../facts/user-ids.ts";
import { evaluateOctets } from "../templates.ts";
import { type Row, row } from "./row.ts";

const BYTES = 16;
/** Characters of an id in base64 without padding. */
const ENCODED = 22;

const RESET = { text: "$uid_reset", parts: [{ variable: "uid_reset" }], constant: null };

export const USER_IDS: readonly Row[] = [
  row("uid_got", "change", "the id that the client has sent, as `NAME=HEXADECIMAL DIGITS`; see `userid`", (e) =>
    e.settings.userid === "off" || e.isSubrequest ? "" : idText(e.settings.useridName, idsOf(e).got),
  ),
  row(
    "uid_reset",
    "change",
    "set to neither an empty text nor `0`: the client gets another id; `log`: and the error log tells",
    (e) => e.assigned?.get("uid_reset") ?? "",
  ),
  row("uid_set", "change", "the id that the reply sets, likewise", (e) =>
    e.isSubrequest ? "" : idText(e.settings.useridName, idToSet(e)),
  ),
];

/** An id as the variables show it. */
function idText(name: string, id: Buffer | null): string {
  if (id === null) return "";
  const parts = [0, 4, 8, 12].map((at) => id.readUInt32LE(at).toString(16).toUpperCase().padStart(8, "0"));
  return `${name}=${parts.join("")}`;
}

/** Found when they are first needed. */
function idsOf(exchange: Exchange): UserIds {
  if (exchange.userIds === null) {
    const cookie = cookieVariable(exchange.request, exchange.settings.useridName.toLowerCase()) ?? "";
    exchange.userIds = new UserIds(cookie, cookie === "" ? null : decoded(exchange, cookie));
  }
  return exchange.userIds;
}

/** The id that the reply sets; null: none. */
function idToSet(exchange: Exchange): Buffer | null {
  const { userid, useridMark } = exchange.settings;
  const ids = idsOf(exchange);
  const { got, cookie } = ids;
  if (ids.set !== null || (userid !== "v1" && userid !== "on")) return ids.set;
  if (got === null || isReset(exchange, got)) return (ids.set = made(exchange, userid));
  const isMarked = cookie.length > ENCODED + 1 && cookie.startsWith(`${useridMark}=`, ENCODED);
  return (ids.set = useridMark === null || isMarked ? null : got);
}

/** The cookie's value that the reply sets, in base64 and with its mark; null: none. */
export function cookieToSet(exchange: Exchange): string | null {
  const id = idToSet(exchange);
  if (id === null) return null;
  const { cookie, got } = idsOf(exchange);
  const text = id === got ? cookie.slice(0, ENCODED) : id.toString("base64").slice(0, ENCODED);
  return `${text}${exchange.settings.useridMark ?? "="}=`;
}

function decoded(exchange: Exchange, cookie: string): Buffer | null {
  const bad = (how: string): null => {
    exchange.log("error", `client sent ${how} userid cookie "${exchange.request.fieldAll("cookie").join("; ")}"`);
    return null;
  };
  if (cookie.length < ENCODED) return bad("too short");
  const text = cookie.slice(0, ENCODED).replace(/=.*$/s, "");
  if (!/^[A-Za-z0-9+/]*$/.test(text) || text.length % 4 === 1) return bad("invalid");
  const id = Buffer.alloc(BYTES);
  id.write(text, "base64");
  return id.readUInt32LE(12) === 0 ? null : id;
}

/** Whether `$uid_reset` asks for another id. */
function isReset(exchange: Exchange, got: Buffer): boolean {
  const reset = evaluateOctets(RESET, exchange);
  if (reset === "" || reset === "0") return false;
  if (reset === "log") exchange.log("notice", `userid cookie "${idText(exchange.settings.useridName, got)}" was reset`);
  return true;
}

function made(exchange: Exchange, form: "v1" | "on"): Buffer {
  const { services, settings, connection } = exchange;
  return services.userIds.next(form, settings.useridService, connection.serverAddress, services.clock.second);
}
