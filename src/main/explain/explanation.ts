/** All that is known of a request at the end of its dry run: what `--json` prints. */

import type { Position } from "../../config/parts.ts";
import type { AccessLog, ErrorOutput } from "../../config/settings/logs.ts";
import type { Origins } from "../../config/text/origins.ts";
import { evaluateOctets } from "../../exchange/templates.ts";
import { unicode } from "../../http/octets.ts";
import { shownLocation } from "../../routing/candidates.ts";
import { accessLogsOf } from "../../server/logs/log-places.ts";
import type { ReplySeen } from "./client.ts";
import { fileOf } from "./contents.ts";
import type { DryRunResult, Message } from "./dry-run.ts";
import { type Finding, lineOf } from "./findings.ts";
import type { Asked, Question } from "./question.ts";

interface Placed {
  readonly text: string;
  readonly at: string | null;
}

export interface Explanation {
  readonly request: {
    readonly method: string;
    readonly url: string;
    readonly client: string;
    readonly address: string;
  };
  readonly server: { readonly name: string; readonly at: string | null };
  /** Where the request ends; `name` is "" for the server itself. */
  readonly location: { readonly name: string; readonly at: string | null };
  /** The path that counts at the end. */
  readonly path: string;
  readonly steps: readonly Finding[];
  /** The file that is sent; null: none is. */
  readonly file: string | null;
  /** null: it is made by a server or program that was not asked. */
  readonly reply: ReplySeen | null;
  /** What changes the reply on its way out. */
  readonly filters: readonly Placed[];
  readonly accessLogs: readonly Placed[];
  readonly errorLogs: readonly Placed[];
  /** Lines that the error log would get. */
  readonly messages: readonly Message[];
}

/** Directives that change replies. */
const FILTERS =
  "add_header expires add_trailer charset override_charset sub_filter add_before_body add_after_body ssi gzip brotli zstd gzip_static brotli_static zstd_static limit_rate userid".split(
    " ",
  );

export function explanationOf(
  question: Question,
  { listen }: Asked,
  result: DryRunResult,
  origins: Origins,
): Explanation {
  const { exchange, client } = result;
  const { server, location, settings, method, path } = exchange;
  const isFile = result.isAnswered && result.findings.list.some(({ text }) => text.startsWith("a file or folder"));
  const status = client.seen?.status ?? 0;
  return {
    request: { method: question.method, url: question.url, client: question.client, address: listen.text },
    server: { name: server.name, at: lineOf(server.position) },
    location: { name: shownLocation(location), at: lineOf(location.position) },
    path,
    steps: result.findings.list,
    file:
      isFile && (status === 200 || status === 206 || status === 304) && method !== "OPTIONS" ? fileOf(exchange) : null,
    reply: result.isAnswered ? client.seen : null,
    filters: FILTERS.flatMap((name) => origins.given(location, [name]))
      .map(({ name, args, position }) => placed([name, ...args.map(({ text }) => text)].join(" "), position))
      .filter(({ text }) => !/ off$/.test(text)),
    accessLogs: accessLogsOf(exchange).map((log) => placed(accessText(log, result), log.position)),
    errorLogs: settings.errorLog.outputs.map((log) => placed(errorText(log), log.position)),
    messages: result.messages,
  };
}

const placed = (text: string, position: Position): Placed => ({ text, at: lineOf(position) });

function accessText({ target, format, condition }: AccessLog, { exchange }: DryRunResult): string {
  const name = target.kind === "path" ? unicode(evaluateOctets(target.path, exchange)) : targetName(target);
  if (condition === null) return `${name} ${format.name}`;
  const value = unicode(evaluateOctets(condition, exchange));
  const isLogged = value !== "" && value !== "0";
  return `${name} ${format.name}, ${isLogged ? "because" : "but not, because"} if=${condition.text} is "${value}"`;
}

const errorText = ({ target, level }: ErrorOutput): string => `${targetName(target)} ${level}`;

const targetName = (target: ErrorOutput["target"]): string =>
  target.kind === "file" ? target.file : `syslog ${target.server}`;
