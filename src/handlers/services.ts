/** What the handlers of one server share, in addition to the services of every request. */
import type { Templates } from "../exchange/exchange.ts";
import type { Services } from "../exchange/services.ts";
import type { TableObserver } from "../exchange/tables/observer.ts";
import type { BufferPool } from "../network/buffers.ts";
import type { Resolver } from "../network/resolver/resolver.ts";
import type { TlsShared } from "../network/tls/shared.ts";
import type { Passwords } from "./auth/passwords.ts";
import type { CacheZones } from "./cache/zones.ts";
import type { Scripts } from "./cgi/scripts.ts";
import type { CompressionWork } from "./compression/work.ts";
import type { LockZones } from "./dav/locks/lock-zones.ts";
import type { FileCaches } from "./files/file-caches.ts";
import type { LimitZones } from "./limits/zones.ts";
import type { Listings } from "./listing/listings.ts";
import type { StepObserver } from "./rewrite/observer.ts";
import type { SessionRegistry } from "./session/registry.ts";
import type { SubrequestStarter } from "./subrequest/subrequest.ts";
import type { UploadStores } from "./upload/stores.ts";
import type { UploadActivities } from "./upload/tus/activity.ts";
import type { Upstreams } from "./upstream/upstreams.ts";

/** The same, with what belongs to the configuration that a handler is made of. */
export interface HandlerServices extends SharedServices {
  readonly templates: Templates;
}

/** What they share whatever the configuration. */
export interface SharedServices extends Services {
  /** State shared by file caches. Code that changes files (uploads, DELETE) must tell it. */
  readonly files: FileCaches;
  /** Limits the work of compression over all clients. */
  readonly compression: CompressionWork;
  /** State shared by listings: names read from folders, and the limit of work per turn. */
  readonly listings: Listings;
  /** Session stores, shared by the locations that use them. */
  readonly sessions: SessionRegistry;
  /** Memory for reading and for data that waits to be written; taken for a call or a request, then released. */
  readonly buffers: BufferPool;
  /** The folders for uploads. */
  readonly stores: UploadStores;
  /** The locks of WebDAV clients. */
  readonly locks: LockZones;
  /** Resumable uploads, by store. */
  readonly uploads: UploadActivities;
  /** The running CGI scripts. */
  readonly scripts: Scripts;
  /** Names to addresses. */
  readonly resolver: Resolver;
  /** The groups of servers that requests are passed to. */
  readonly upstreams: Upstreams;
  /** The states of `limit_req` and `limit_conn`. */
  readonly limits: LimitZones;
  /** What connections with TLS share. */
  readonly tls: TlsShared;
  /** The caches of replies. */
  readonly caches: CacheZones;
  /** Sees the steps of rewrite programs and what tables compute; undefined: nobody does. */
  readonly observer?: StepObserver & TableObserver;
  /** Starts requests within requests (`auth_request`, `mirror`). */
  readonly subrequests: SubrequestStarter;
  /** Password files, and the password checks in progress. */
  readonly passwords: Passwords;
}
