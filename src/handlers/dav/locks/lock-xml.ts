/** Locks as XML (RFC 4918 §14, §15). */
import { xmlText } from "../../../http/xml/writer.ts";
import type { Lock } from "./lock-table.ts";

/** The locks that LOCK makes. */
export const SUPPORTED_LOCKS = ["exclusive", "shared"]
  .map(
    (scope) => `<D:lockentry><D:lockscope><D:${scope}/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockentry>`,
  )
  .join("");

/** The content of `lockdiscovery`. */
export const activeLocks = (locks: readonly Lock[], now: number): string =>
  locks.map((lock) => activeLock(lock, now)).join("");

function activeLock({ exclusive, deep, owner, until, token, root }: Lock, now: number): string {
  const scope = `<D:lockscope><D:${exclusive ? "exclusive" : "shared"}/></D:lockscope>`;
  const href = (uri: string): string => `<D:href>${xmlText(uri)}</D:href>`;
  const parts = [
    `<D:locktype><D:write/></D:locktype>${scope}`,
    `<D:depth>${deep ? "infinity" : "0"}</D:depth>${owner}`,
    `<D:timeout>Second-${Math.max(0, Math.ceil((until - now) / 1000))}</D:timeout>`,
    `<D:locktoken>${href(token)}</D:locktoken><D:lockroot>${href(root)}</D:lockroot>`,
  ];
  return `<D:activelock>${parts.join("")}</D:activelock>`;
}
