/** Defaults and inheritance of the settings that the families of `*_pass` share: each directive is inherited by itself. */
import type { CacheSettings, Family, FamilySettings } from "../../gateway.ts";

const CACHE: CacheSettings = {
  zone: null,
  key: null,
  valid: [],
  methods: ["GET", "HEAD"],
  minUses: 1,
  bypass: [],
  noCache: [],
  lock: false,
  lockTimeout: 5000,
  lockAge: 5000,
  useStale: [],
  backgroundUpdate: false,
  revalidate: false,
  convertHead: true,
  maxRangeOffset: null,
  purge: null,
};

const FAMILY: FamilySettings = {
  connectTimeout: 60_000,
  sendTimeout: 60_000,
  readTimeout: 60_000,
  buffering: true,
  requestBuffering: true,
  bufferSize: 4096,
  buffers: { count: 8, size: 4096 },
  busyBuffersSize: 8192,
  maxTempFileSize: 2 ** 30,
  tempFileWriteSize: 8192,
  tempPath: null,
  hideHeaders: [],
  passHeaders: [],
  ignoreHeaders: [],
  interceptErrors: false,
  ignoreClientAbort: false,
  forceRanges: false,
  passRequestBody: true,
  passRequestHeaders: true,
  limitRate: 0,
  nextUpstream: ["error", "timeout"],
  nextUpstreamTries: 0,
  nextUpstreamTimeout: 0,
  store: null,
  storeAccess: 0o600,
  bind: null,
  socketKeepalive: false,
  cache: CACHE,
};

/** nginx's defaults, on machines with pages of 4 KB. */
export const FAMILY_DEFAULTS: Readonly<Record<Family, FamilySettings>> = {
  proxy: FAMILY,
  fastcgi: FAMILY,
  uwsgi: FAMILY,
  scgi: FAMILY,
};
