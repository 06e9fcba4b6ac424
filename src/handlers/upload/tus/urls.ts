/** The URLs of resumable uploads. No component starts with a dot, because front servers often refuse such paths. */
import { encodePath } from "../../../http/request/target.ts";
import { UPLOAD_NAME } from "../names.ts";

const ID = /^[0-9a-f]{32}$/;
/** The last component of a client's URL, which must not have a query or fragment. */
const LAST = new RegExp(`(?:^|/)${UPLOAD_NAME}([0-9a-f]{32})$`);

/** The URLs of the uploads of one location. */
export class UploadUrls {
  private readonly base: string;

  /** @param path prefix of the paths of the location's uploads; requests for such paths must reach the location */
  constructor(path: string) {
    this.base = `${path.endsWith("/") ? path : `${path}/`}${UPLOAD_NAME}`;
  }

  of(id: string): string {
    return encodePath(this.base) + id;
  }

  /** Whether a path has the form of an upload's path in this location. The upload need not exist. */
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
 * The id in an upload's URL, absolute or relative, sent by a client; "": there is none. Only the last component matters, because
 * a front server may map this location to another path.
 */
export const idInUrl = (url: string): string => LAST.exec(url)?.[1] ?? "";
