/** Browsers that mistake connections which stay open, told by their User-Agent as nginx does. */
import type { RequestHead } from "./request.ts";

/** Which old browsers are told to close (`keepalive_disable`). */
interface Disabled {
  readonly keepaliveMsie6: boolean;
  readonly keepaliveSafari: boolean;
}

/** Whether the connection must end with the reply. */
export function endsWithReply(request: RequestHead, { keepaliveMsie6, keepaliveSafari }: Disabled): boolean {
  if (keepaliveMsie6 && request.method === "POST" && isOldExplorer(request)) return true;
  return keepaliveSafari && isSafari(request);
}

/** Internet Explorer up to 6, but for Windows XP with its second service pack. */
function isOldExplorer(request: RequestHead): boolean {
  const agent = request.field("user-agent") ?? "";
  return /MSIE (?:[45].|6\.(?!.*SV1))./.test(agent) && !agent.includes("Opera");
}

/** Safari on macOS. */
function isSafari(request: RequestHead): boolean {
  const agent = request.field("user-agent") ?? "";
  return /Safari\/.*Mac OS X|Mac OS X.*Safari\//.test(agent) && !/MSIE .{2}|Opera|Gecko\/|Chrome\//.test(agent);
}
