/** The directives that may stand in an `if` of a location, beside those of the rewrite module: as in nginx, those that need no phase before it. */
import type { Row } from "../../table.ts";

const NAMES =
  "access_log add_header add_trailer brotli charset error_page expires fastcgi_pass gzip limit_rate limit_rate_after override_charset proxy_pass root scgi_pass source_charset ssi uwsgi_pass zstd";

const ALLOWED: ReadonlySet<string> = new Set(NAMES.split(" "));

/** The row with `if in location` among its blocks, if nginx allows the directive there. */
export const allowedInIf = (row: Row): Row =>
  ALLOWED.has(row.name) ? { ...row, in: [...row.in, "if in location"] } : row;
