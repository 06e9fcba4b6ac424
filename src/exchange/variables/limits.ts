/** Variables of the limits on requests and connections. */
import { type Row, row } from "./row.ts";

export const LIMITS: readonly Row[] = [
  row(
    "limit_conn_status",
    "change",
    "what `limit_conn` decided: `PASSED`, `REJECTED` or `REJECTED_DRY_RUN`",
    (e) => e.limits?.connections ?? "",
  ),
  row(
    "limit_req_status",
    "change",
    "what `limit_req` decided: `PASSED`, `DELAYED`, `REJECTED`, `DELAYED_DRY_RUN` or `REJECTED_DRY_RUN`",
    (e) => e.limits?.requests ?? "",
  ),
  row("limit_rate", "change", "bytes per second of the reply; `0`: no limit, or none is known yet", (e) =>
    String(Math.max(0, e.limitRate)),
  ),
];
