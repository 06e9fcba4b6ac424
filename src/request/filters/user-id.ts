/** Sets the cookie of `userid` (ngx_http_userid_filter_module). */
import type { Settings } from "../../config/model.ts";
import type { Filter } from "../../exchange/filter.ts";
import { cookieToSet } from "../../exchange/variables/user-ids.ts";
import { formatDate } from "../../http/reply/date.ts";

/** nginx's form of 2037, beyond which cookies could not be. */
const MAX = "Thu, 31-Dec-37 23:55:55 GMT";

export function userIdFilter(settings: Settings): Filter {
  const { useridName, useridExpires, useridP3p } = settings;
  const rest = attributes(settings);
  return (draft, exchange) => {
    if (exchange.isSubrequest) return;
    const value = cookieToSet(exchange);
    if (value === null) return;
    const until = useridExpires === "max" ? MAX : cookieTime(exchange.services.clock.second, useridExpires);
    const expires = until === "" ? "" : `; expires=${until}`;
    draft.fields.push(["Set-Cookie", `${useridName}=${value}${expires}${rest}`]);
    if (useridP3p !== null) draft.fields.push(["P3P", useridP3p]);
  };
}

function attributes({ useridDomain, useridPath, useridFlags }: Settings): string {
  const domain = useridDomain === null ? "" : `; domain=${useridDomain}`;
  return `${domain}; path=${useridPath}${useridFlags.map((flag) => `; ${flag}`).join("")}`;
}

/** The time in `seconds` as nginx writes it in cookies: `Sun, 29-Nov-26 13:44:32 GMT`. */
function cookieTime(now: number, seconds: number | null): string {
  if (seconds === null) return "";
  const [, day, year, time] = /^(\w+, \d\d \w+) (\d{4}) (.*)$/.exec(formatDate(now + seconds))!;
  return `${day!.replaceAll(/(\d) /g, "$1-")}-${Number(year) > 2037 ? year : year!.slice(2)} ${time}`;
}
