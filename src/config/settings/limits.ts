/** Settings of the limits on requests and connections per key (ngx_http_limit_req_module, ngx_http_limit_conn_module). */
import type { Position, Template } from "../parts.ts";
import type { LogLevel } from "../settings/logs.ts";

/** `limit_req_zone` or `limit_conn_zone`: where the states of keys are kept. */
export interface LimitZone {
  readonly kind: "limit_req_zone" | "limit_conn_zone";
  readonly name: string;
  /** What is counted; requests with an empty key are not. */
  readonly key: Template;
  /** Most bytes for its states. */
  readonly size: number;
  /** Thousandths of a request per second; 0 for connections. */
  readonly rate: number;
  readonly position: Position;
}

/** A `limit_req`. Both numbers are in thousandths of a request. */
export interface RequestLimit {
  readonly zone: LimitZone;
  /** An excess above it is rejected. */
  readonly burst: number;
  /** An excess up to it is not delayed; Infinity: none is. */
  readonly delay: number;
}

/** A `limit_conn`. */
interface ConnectionLimit {
  readonly zone: LimitZone;
  readonly most: number;
}

export interface LimitSettings {
  readonly limitReq: readonly RequestLimit[];
  readonly limitReqStatus: number;
  /** The level of rejections; delays are logged one level below. */
  readonly limitReqLogLevel: LogLevel;
  readonly limitReqDryRun: boolean;
  readonly limitConn: readonly ConnectionLimit[];
  readonly limitConnStatus: number;
  readonly limitConnLogLevel: LogLevel;
  readonly limitConnDryRun: boolean;
  /** Bytes per second of a reply; null: no limit. */
  readonly limitRate: Template | null;
  /** Bytes of a reply that are not limited; null: none. */
  readonly limitRateAfter: Template | null;
}
