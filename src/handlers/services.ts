/** What the handlers of one server share beside what every request can use. */
import type { Templates } from "../exchange/exchange.ts";
import type { Services } from "../exchange/services.ts";
import type { BufferPool } from "../network/buffers.ts";
import type { Passwords } from "./auth/passwords.ts";
import type { Scripts } from "./cgi/scripts.ts";
import type { CompressionWork } from "./compression/work.ts";
import type { FileCaches } from "./files/file-caches.ts";
import type { Listings } from "./listing/listing.ts";
import type { SessionRegistry } from "./session/registry.ts";
import type { UploadStores } from "./upload/stores.ts";
import type { UploadActivities } from "./upload/tus/activity.ts";

export interface HandlerServices extends Services {
  /** Of the configurations that it serves. */
  readonly templates: Templates;
  /** What file caches share; whoever changes files (uploads, DELETE) says so there. */
  readonly files: FileCaches;
  /** What compression may cost, over all clients. */
  readonly compression: CompressionWork;
  /** What the listings of folders share: names that were read, and how much they may do in a turn. */
  readonly listings: Listings;
  /** The stores of sessions, shared by the locations that name them. */
  readonly sessions: SessionRegistry;
  /** Memory for what is read, or waits to be written: taken for a call or for a request, and given back. */
  readonly buffers: BufferPool;
  /** The folders that uploads go to. */
  readonly stores: UploadStores;
  /** The uploads that can be resumed, by their stores. */
  readonly uploads: UploadActivities;
  /** The CGI scripts that run. */
  readonly scripts: Scripts;
  /** Password files, and the passwords that are being checked. */
  readonly passwords: Passwords;
}
