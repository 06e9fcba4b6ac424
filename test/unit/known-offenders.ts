/**
 * What breaks a rule of test/unit/architecture.test.ts today, and why. The lists only shrink: who mends one takes it off,
 * and the test fails until that is done; nobody adds one.
 */

/** Files that lie in a circle of imports. */
export const IN_CIRCLES: ReadonlyMap<string, string> = new Map([
  ["src/handlers/files/file-cache.ts", "two that know each other"],
  ["src/handlers/listing/listing.ts", "two that know each other"],
  ["src/config/scope.ts", "two that know each other"],
  ["src/config/values/listen.ts", "two that know each other"],
  ["src/handlers/services.ts", "two that know each other"],
  ["src/handlers/session/session-file.ts", "two that know each other"],
  ["src/handlers/session/registry.ts", "two that know each other"],
]);

/** "path: class extends base" where the base is not abstract, or inherits itself. */
export const TOO_DEEP: ReadonlyMap<string, string> = new Map([]);

/** "path: name" of exports that only tests use, or nobody. */
export const UNUSED_EXPORTS: ReadonlyMap<string, string> = new Map([
  ["src/http/request/request.ts: Coding", "used by its own file or tests alone"],
  ["src/http/basic.ts: Credentials", "used by its own file or tests alone"],
  ["ffi/beneath.ts: Openat2", "used by test/unit/ffi/walk.test.ts"],
  ["ffi/errno.ts: ErrnoName", "used by test/unit/network/listener.test.ts"],
  ["ffi/errno.ts: errnoName", "used by test/unit/network/listener.test.ts"],
  ["ffi/libc.ts: LIBC_NAMES", "used by test/unit/ffi/libc.test.ts"],
  ["ffi/libc.ts: openLibc", "used by test/unit/ffi/libc.test.ts"],
  ["ffi/rename.ts: Moves", "used by test/unit/ffi/rename.test.ts"],
  ["src/config/directives/logs.ts: BUILT_IN_FORMATS", "used by its own file alone"],
  ["src/config/files.ts: Text", "used by its own file alone"],
  ["src/config/load.ts: Diagnostic", "used by its own file alone"],
  ["src/config/text/parser.ts: ParserContext", "used by its own file alone"],
  ["src/config/text/suggest.ts: editDistance", "used by test/unit/config/arguments.test.ts"],
  ["src/config/values/arguments.ts: Kind", "used by its own file alone"],
  ["src/config/values/arguments.ts: text", "used by its own file alone"],
  ["src/handlers/cgi/limits.ts: Command", "used by its own file alone"],
  ["src/handlers/files/open.ts: climbs", "used by its own file alone"],
  ["src/handlers/files/try-files.ts: redirection", "used by its own file alone"],
  ["src/handlers/session/memory.ts: Entry", "used by its own file alone"],
  ["src/handlers/session/registry.ts: SessionServices", "used by its own file alone"],
  ["src/handlers/session/sqlite.ts: StoredSession", "used by its own file alone"],
  ["src/handlers/session/store.ts: Visit", "used by its own file alone"],
  ["src/handlers/upload/names.ts: MAX_NAME", "used by test/unit/handlers/upload-names.test.ts"],
  ["src/handlers/upload/reply.ts: StoredFile", "used by its own file alone"],
  ["src/http/body/body.ts: BODY_MORE", "used by test/unit/http/framing.test.ts"],
  ["src/http/body/chunk-lines.ts: MAX_EXTENSION_BYTES", "used by test/unit/http/framing.test.ts"],
  ["src/http/body/chunk-lines.ts: MAX_TRAILER_BYTES", "used by test/unit/http/framing.test.ts"],
  ["src/http/body/multipart.ts: FORM_END", "used by its own file alone"],
  ["src/http/body/multipart.ts: FORM_MORE", "used by test/unit/http/multipart.test.ts"],
  ["src/http/bytes.ts: DEL", "used by its own file alone"],
  ["src/http/cookie.ts: CookieAttributes", "used by test/unit/http/cookie.test.ts"],
  ["src/http/headers.ts: Preference", "used by its own file alone"],
  ["src/http/headers.ts: listElements", "used by test/unit/http/response.test.ts"],
  ["src/http/headers.ts: preferredType", "used by test/unit/http/response.test.ts"],
  ["src/http/headers.ts: quotedString", "used by test/unit/http/response.test.ts"],
  ["src/http/parameters.ts: Parameterised", "used by its own file alone"],
  ["src/http/reply/conditional.ts: ModifiedSincePolicy", "used by test/unit/http/conditional.test.ts"],
  ["src/http/reply/range.ts: MAX_RANGES", "used by test/unit/http/range.test.ts"],
  ["src/http/reply/response.ts: fieldLine", "used by test/unit/http/response.test.ts"],
  ["src/http/reply/response.ts: statusLine", "used by test/unit/http/response.test.ts"],
  ["src/http/request/request.ts: Expectation", "used by its own file alone"],
  ["src/http/request/request.ts: ORIGIN_FORM", "used by test/unit/http/request-line.test.ts"],
  ["src/http/request/request.ts: TargetForm", "used by its own file alone"],
  ["src/http/request/target.ts: decodedParameter", "used by test/unit/http/target.test.ts"],
  ["src/network/address.ts: LONGEST_UNIX_PATH", "used by test/unit/network/address.test.ts"],
  ["src/network/listener.ts: ListenOptions", "used by its own file alone"],
  ["src/network/timers.ts: TimerList", "used by test/simulation/machine.ts"],
]);

/** "path: function" of functions over 60 lines: state machines, which read worse when cut. */
export const LONG_FUNCTIONS: ReadonlyMap<string, string> = new Map();
