/** Settings of WebDAV (ngx_http_dav_module, and nginx-dav-ext-module as Debian ships it). Times are milliseconds. */

/** What `dav_methods` may name. */
export const DAV_METHODS = ["PUT", "DELETE", "MKCOL", "COPY", "MOVE"] as const;
/** What `dav_ext_methods` may name. */
export const DAV_EXT_METHODS = ["PROPFIND", "OPTIONS", "LOCK", "UNLOCK"] as const;

/** `dav_ext_lock_zone`: where locks are kept. */
export interface LockZone {
  readonly name: string;
  /** Most bytes for its locks. */
  readonly size: number;
  /** How long a lock lasts unless it is refreshed. */
  readonly timeout: number;
}

export interface DavSettings {
  readonly davMethods: readonly string[];
  readonly davExtMethods: readonly string[];
  /** null: nothing is locked. */
  readonly davLock: LockZone | null;
  /** The permissions of files that clients create. Who may read a file may enter folders made with it. */
  readonly davAccess: number;
  /** Whether PUT creates missing folders. */
  readonly createFullPutPath: boolean;
  /** DELETE removes nothing whose path has fewer components; 0: no limit. */
  readonly minDeleteDepth: number;
}
