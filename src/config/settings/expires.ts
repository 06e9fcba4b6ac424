/** `expires`, as configuration and server both read it: the value may come from a variable. */
import type { Template } from "../parts.ts";
import { parseTime } from "./time.ts";

/** What the reply gets. `in`: so long from now, or from the file's change (`modified`); `at`: seconds after local midnight (`@15h30m`). */
export type ExpiresRule =
  | { readonly kind: "off" | "epoch" | "max" }
  | { readonly kind: "in" | "modified" | "at"; readonly seconds: number };

/** `expires`; a value with variables is read when the reply is there. */
export type Expires =
  | ExpiresRule
  | { readonly kind: "variable"; readonly value: Template; readonly isModified: boolean };

const DAY_SECONDS = 86_400;

/** Reads `off`, `epoch`, `max`, a time with or without sign, `@TIME`. `isModified`: behind `modified`, where only times may stand. Undefined: it is none of them. */
export function parseExpires(text: string, isModified: boolean): ExpiresRule | undefined {
  if (!isModified && (text === "off" || text === "epoch" || text === "max")) return { kind: text };
  const at = !isModified && text.startsWith("@");
  const [, sign, digits] = /^([+-]?)(.*)$/s.exec(at ? text.slice(1) : text)!;
  const milliseconds = at && sign !== "" ? undefined : parseTime(digits!);
  if (milliseconds === undefined || milliseconds % 1000 !== 0) return undefined;
  const seconds = (milliseconds / 1000) * (sign === "-" ? -1 : 1) || 0;
  if (at && seconds >= DAY_SECONDS) return undefined;
  return { kind: isModified ? "modified" : at ? "at" : "in", seconds };
}
