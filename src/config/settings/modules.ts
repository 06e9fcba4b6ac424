/** Settings of nginx's small modules: secure_link, userid, random_index, empty_gif. */
import type { Template } from "../parts.ts";

/** The attributes of `userid_flags`, in the order in which nginx writes them. */
export const USERID_FLAGS = ["secure", "httponly", "samesite=strict", "samesite=lax", "samesite=none"] as const;
export type UserIdFlag = (typeof USERID_FLAGS)[number];

export interface ModuleSettings {
  /** The hash of a link and, behind a comma, when it expires; null: there is none. */
  readonly secureLink: Template | null;
  /** What the hash is of. */
  readonly secureLinkMd5: Template | null;
  /** The older form: the link is part of the path. */
  readonly secureLinkSecret: string | null;
  /** Whether a folder is answered by one of its files, chosen by chance. */
  readonly randomIndex: boolean;
  readonly emptyGif: boolean;
  readonly userid: "off" | "log" | "v1" | "on";
  readonly useridName: string;
  readonly useridDomain: string | null;
  readonly useridPath: string;
  /** Seconds until the cookie expires; null: with the browser; "max": in 2037. */
  readonly useridExpires: number | "max" | null;
  readonly useridFlags: readonly UserIdFlag[];
  readonly useridP3p: string | null;
  /** A character in the place of the cookie's padding; null: none. */
  readonly useridMark: string | null;
  /** null: the server's address; 0 for `v1`. */
  readonly useridService: number | null;
}
