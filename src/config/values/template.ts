/** Compiles "$variable ${variable} text" to a Template. */
import type { Template } from "../parts.ts";

/** Compiles `text`; a string tells what is wrong with it. Names are not checked here: see config/variables.ts. */
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
    if (literal !== "") parts.push(literal);
    literal = "";
    parts.push({ variable: match[1] ?? match[2] ?? match[3]! });
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

/** The names of the variables in a template; captures are "1" to "9". */
export function variablesOf({ parts }: Template): string[] {
  return parts.flatMap((part) => (typeof part === "string" ? [] : [part.variable]));
}

/**
 * Makes a path template absolute beneath `prefix`, unless it begins with a slash. `trim` removes slashes at its end.
 * `text` and `parts` stay consistent.
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
  const absolute = template(
    path.text,
    parts.filter((part) => part !== ""),
  );
  return typeof absolute.parts[0] === "string" ? absolute : { ...absolute, base: prefix === "/" ? "" : prefix };
}
