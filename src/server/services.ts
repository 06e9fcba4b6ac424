/** What the handlers and exchanges of one server share. */
import type { CheckBcrypt } from "../../ffi/bcrypt.ts";
import { errnoText } from "../../ffi/errno.ts";
import { hostname } from "../../ffi/hostname.ts";
import type { Kernel } from "../../ffi/kernel.ts";
import { Block } from "../../ffi/memory.ts";
import type { ErrorLog, LogLevel } from "../config/settings/logs.ts";
import { UserIdSequence } from "../exchange/facts/user-ids.ts";
import type { ConnectionCounts } from "../exchange/services.ts";
import { Passwords } from "../handlers/auth/passwords.ts";
import { CacheZones } from "../handlers/cache/zones.ts";
import { Scripts } from "../handlers/cgi/scripts.ts";
import { CompressionWork } from "../handlers/compression/work.ts";
import { LockZones } from "../handlers/dav/locks/lock-zones.ts";
import { FileCaches } from "../handlers/files/file-caches.ts";
import { LimitZones } from "../handlers/limits/zones.ts";
import { Listings } from "../handlers/listing/listings.ts";
import type { SharedServices } from "../handlers/services.ts";
import { SessionRegistry } from "../handlers/session/registry.ts";
import type { SubrequestStarter } from "../handlers/subrequest/subrequest.ts";
import { UploadStores } from "../handlers/upload/stores.ts";
import { UploadActivities } from "../handlers/upload/tus/activity.ts";
import { Upstreams } from "../handlers/upstream/upstreams.ts";
import { BufferPool } from "../network/buffers.ts";
import type { Reactor } from "../network/reactor.ts";
import { Resolver } from "../network/resolver/resolver.ts";
import { Handshakes } from "../network/tls/handshakes.ts";
import { TlsShared } from "../network/tls/shared.ts";
import type { ServerClock } from "./clock.ts";

export class ServerServices implements SharedServices {
  readonly buffers = new BufferPool();
  readonly files = new FileCaches();
  readonly compression: CompressionWork;
  readonly listings: Listings;
  readonly sessions: SessionRegistry;
  readonly stores = new UploadStores();
  readonly locks = new LockZones();
  readonly uploads: UploadActivities;
  readonly scripts: Scripts;
  readonly passwords: Passwords;
  readonly resolver: Resolver;
  /** These are set by the server. */
  connections!: { counts(): ConnectionCounts };
  subrequests!: SubrequestStarter;
  readonly upstreams: Upstreams;
  readonly caches: CacheZones;
  readonly limits: LimitZones;
  private sharedTls: TlsShared | null = null;
  readonly userIds: UserIdSequence;
  private readonly random = new Block(64);

  readonly hostname: string;

  constructor(
    readonly kernel: Kernel,
    readonly clock: ServerClock,
    readonly reactor: Reactor,
    /** Value of the Server field with `server_tokens on`. */
    readonly serverToken: string,
    /** The process' environment, for `cgi_pass_env`. */
    readonly environment: Readonly<Record<string, string | undefined>>,
    bcrypt: CheckBcrypt,
    private readonly write: (level: LogLevel, message: string, to?: ErrorLog) => void,
  ) {
    this.hostname = hostname(kernel);
    this.resolver = new Resolver(kernel, reactor);
    this.listings = new Listings(this);
    this.compression = new CompressionWork(clock);
    this.sessions = new SessionRegistry(this);
    this.uploads = new UploadActivities(this);
    this.scripts = new Scripts(reactor);
    this.upstreams = new Upstreams(this);
    this.caches = new CacheZones(this);
    this.limits = new LimitZones(this);
    this.userIds = new UserIdSequence(Number.parseInt(this.randomHex(4), 16));
    this.passwords = new Passwords(this, bcrypt);
  }

  /** Made for the first connection with TLS. */
  get tls(): TlsShared {
    return (this.sharedTls ??= new TlsShared(this.kernel, new Handshakes(this.reactor)));
  }

  log(level: LogLevel, message: string, to?: ErrorLog): void {
    this.write(level, message, to);
  }

  /** Random bytes (at most 64) as hexadecimal digits. Throws if the kernel gives none, because guessable ids would be worse. */
  randomHex(bytes: number): string {
    const n = this.kernel.getrandom(this.random, 0, bytes);
    if (n !== bytes) throw new Error(`getrandom() failed (${errnoText(n)})`);
    return this.random.bytes.toString("hex", 0, bytes);
  }
}
