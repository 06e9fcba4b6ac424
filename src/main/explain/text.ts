/** An explanation for people. */
import type { Explanation } from "./explanation.ts";
import type { Finding } from "./findings.ts";

/** Where the second column begins, and the third. */
const SECOND = 12;
const THIRD = 78;

export function explanationText(explanation: Explanation): string {
  const { request, steps, filters, accessLogs, errorLogs, messages, file } = explanation;
  const lines = [`${request.method} ${request.url} from ${request.client}`, "", ...stepLines(steps)];
  if (file !== null) lines.push(line("file", file, null));
  lines.push(line("reply", replyText(explanation), null));
  for (const { text, at } of filters) lines.push(line("filter", text, at));
  for (const { text, at } of accessLogs) lines.push(line("access_log", text, at));
  for (const { text, at } of errorLogs) lines.push(line("error_log", text, at));
  for (const { level, text } of messages) lines.push(line("message", `[${level}] ${text}`, null));
  return `${lines.join("\n")}\n`;
}

function stepLines(steps: readonly Finding[]): string[] {
  return steps.flatMap(({ topic, text, at, others, depth }) => [
    line(topic, `${"  ".repeat(depth)}${text}`, at),
    ...others.map((other) => line("", `${"  ".repeat(depth)}not ${other.text}: ${other.why}`, other.at)),
  ]);
}

/** The last column is where it stands in the file. */
function line(topic: string, text: string, at: string | null): string {
  const start = topic.padEnd(SECOND) + text;
  return at === null ? start : `${start.padEnd(THIRD)}  ${at}`;
}

function replyText({ reply }: Explanation): string {
  if (reply === null) return "made by whoever answers; nobody was asked";
  if (reply.status === 444) return "none: the connection is closed";
  const wanted = ["Content-Type", "Location", "WWW-Authenticate", "Allow", "Cache-Control"];
  const shown = reply.fields.filter(([name]) => wanted.includes(name)).map(([name, value]) => `, ${name}: ${value}`);
  return `${reply.status}${shown.join("")}${reply.length < 0 ? "" : `, ${reply.length} bytes`}`;
}
