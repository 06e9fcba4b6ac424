/** "$variable ${variable} text" to a Template, and the names a variable can have. */
import type { Template } from "../model.ts";

/** Every variable with a fixed name. */
export const VARIABLES: readonly string[] = [
  "args",
  "body_bytes_sent",
  "bytes_sent",
  "connection",
  "connection_requests",
  "content_length",
  "content_type",
  "document_root",
  "document_uri",
  "host",
  "is_args",
  "msec",
  "query_string",
  "remote_addr",
  "remote_port",
  "remote_user",
  "request",
  "request_filename",
  "request_id",
  "request_length",
  "request_method",
  "request_time",
  "request_uri",
  "scheme",
  "server_addr",
  "server_name",
  "server_port",
  "server_protocol",
  "status",
  "time_iso8601",
  "time_local",
  "uri",
];

/** Variables whose name goes on: `$arg_page`, `$http_user_agent`, `$cookie_id`, `$sent_http_content_type`. */
export const VARIABLE_FAMILIES: readonly string[] = ["arg_", "cookie_", "http_", "sent_http_"];

/** nginx's variables that have one value here, whatever the request: nothing is compressed, nothing is encrypted. */
const FIXED: Readonly<Record<string, string>> = { gzip_ratio: "-", https: "" };

/** The parts of `text`, or what is wrong with it. Names are not checked here: see `isVariable`. */
export function compileTemplate(text: string): Template | string {
  const parts: (string | { variable: string })[] = [];
  let literal = "";
  let at = 0;
  for (let dollar = text.indexOf("$"); dollar !== -1; dollar = text.indexOf("$", at)) {
    const variable = /\$(?:\{(\w+)\}|([1-9])|([a-zA-Z0-9_]+))/y;
    variable.lastIndex = dollar;
    const match = variable.exec(text);
    if (match === null) return invalid(text.slice(dollar));
    literal += text.slice(at, dollar);
    at = variable.lastIndex;
    const name = match[1] ?? match[2] ?? match[3]!;
    if (Object.hasOwn(FIXED, name)) {
      literal += FIXED[name];
      continue;
    }
    if (literal !== "") parts.push(literal);
    literal = "";
    parts.push({ variable: name });
  }
  literal += text.slice(at);
  return template(text, literal === "" ? parts : [...parts, literal]);
}

function invalid(from: string): string {
  return /^\$\{\w+/.test(from) ? 'the closing "}" of a variable is missing' : 'a "$" without a variable name';
}

function template(text: string, parts: Template["parts"]): Template {
  const constant = parts.length === 0 ? "" : parts.length === 1 && typeof parts[0] === "string" ? parts[0] : null;
  return { text, parts, constant };
}

/** The names of the variables in a template, "1" to "9" for captures. */
export function variablesOf({ parts }: Template): string[] {
  return parts.flatMap((part) => (typeof part === "string" ? [] : [part.variable]));
}

/** Whether a variable has a value: a fixed name, a family's member, a capture, or one of the named `groups`. */
export function isVariable(name: string, groups: ReadonlySet<string>): boolean {
  return (
    VARIABLES.includes(name) ||
    /^[1-9]$/.test(name) ||
    groups.has(name) ||
    VARIABLE_FAMILIES.some((family) => name.startsWith(family) && name.length > family.length)
  );
}

/**
 * A path template made absolute beneath `prefix`, unless it begins with a slash or a variable. Text and parts agree;
 * slashes at its end go where `trim` says so.
 */
export function absoluteTemplate(path: Template, prefix: string, trim: boolean): Template {
  const parts = [...path.parts];
  const [first] = parts;
  if (first === undefined || typeof first === "string") {
    const start = first ?? "";
    parts[0] = start.startsWith("/") ? start : `${prefix === "/" ? "" : prefix}/${start}`;
  }
  const last = parts.at(-1);
  if (trim && typeof last === "string") {
    const trimmed = last.replace(/\/+$/, "");
    parts[parts.length - 1] = trimmed === "" && parts.length === 1 ? "/" : trimmed;
  }
  return template(
    path.text,
    parts.filter((part) => part !== ""),
  );
}
