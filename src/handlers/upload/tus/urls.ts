/** The URLs of resumable uploads. No component of them starts with a dot: servers in front refuse those. */
import { encodePath } from "../../../http/request/target.ts";
import { UPLOAD_NAME } from "../names.ts";

const ID = /^[0-9a-f]{32}$/;
/** The last component of a URL that a client sends, without a query or fragment. */
const LAST = new RegExp(`(?:^|/)${UPLOAD_NAME}([0-9a-f]{32})$`);

/** The URLs of the uploads of one location. */
export class UploadUrls {
  private readonly base: string;

  /** @param path what the paths of all its uploads begin with, so that they come back to it */
  constructor(path: string) {
    this.base = `${path.endsWith("/") ? path : `${path}/`}${UPLOAD_NAME}`;
  }

  of(id: string): string {
    return encodePath(this.base) + id;
  }

  /** Whether a path looks like that of an upload of this location, be there one or not. */
  has(path: string): boolean {
    return path.startsWith(this.base);
  }

  /** The id in a path; "": there is none. */
  id(path: string): string {
    const id = this.has(path) ? path.slice(this.base.length) : "";
    return ID.test(id) ? id : "";
  }
}

/**
 * The id in an upload's URL as a client has it, absolute or not; "": it is none. What comes before its last component does not count:
 * a server in front may show this location under another path.
 */
export const idInUrl = (url: string): string => LAST.exec(url)?.[1] ?? "";
