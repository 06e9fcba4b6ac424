/** Warnings about directives without effect because another directive overrides them. Runs when everything has been read. */

import { ANSWERERS, ANY_METHOD, isDav, isOn } from "../../routing/answering.ts";
import type { Position } from "../parts.ts";
import type { Draft, Scope } from "../scope.ts";
import { elsewhere } from "../text/diagnostics.ts";
import { hasCgi } from "./programs.ts";
import { hasSession } from "./sessions.ts";

/** Checks every block of a configuration. */
export function checkEffects(draft: Draft): void {
  const scopes = draft.scopes();
  for (const scope of scopes) {
    checkAnswers(scope);
    checkIdle(scope, scopes);
  }
}

/** Warns about directives that no request reaches. */
function checkAnswers(scope: Scope): void {
  for (const { name, setting, performs } of ANSWERERS) {
    const position = scope.seen.get(name);
    if (position === undefined || setting === null || !isOn(scope.own[setting]) || name === "return") continue;
    const other = answering(scope) ?? (isDav(name) ? passing(scope) : null);
    if (name === "upload_store" && scope.own.sessionApi === true) {
      scope.error(position, '"upload_store" and "session_api" exclude each other in one location');
    } else if (other !== null && other !== name) {
      scope.warning(position, `"${name}" has no effect: "${other}" answers here`);
    } else if (performs !== null) {
      checkMethods(scope, name, isDav(name) ? (scope.own[setting] as readonly string[]) : performs, position);
    }
  }
}

/** The directive that passes requests on; null: the block has none. */
const passing = (scope: Scope): string | null =>
  ["proxy_pass", "fastcgi_pass", "uwsgi_pass", "scgi_pass"].find((name) => scope.seen.has(name)) ?? null;

/** The directive that answers before any file is looked up. */
function answering(scope: Scope): string | null {
  const alone = ANSWERERS.find(({ alone, name, setting }) => {
    // As in nginx, blocks do not inherit a `return`.
    return alone && isOn(name === "return" ? scope.own.return : scope.setting(setting!));
  });
  return alone?.name ?? null;
}

function checkMethods(scope: Scope, name: string, methods: readonly string[], position: Position): void {
  const allowing = scope.stating("allowedMethods");
  const allowed = allowing?.own.allowedMethods;
  if (!allowing || !allowed || allowed.includes(ANY_METHOD) || methods.some((method) => allowed.includes(method)))
    return;
  const where = elsewhere(allowing.seen.get("allowed_methods")!, position);
  const missing = methods.join(", ").replace(/, (?=\w+$)/, " and ");
  scope.warning(position, `"${name}" has no effect: "allowed_methods" (${where}) leaves out ${missing}`);
}

/** Directives that only modify what another one turns on. */
const SHAPING = [
  {
    names: ["upload_overwrite", "upload_max_files", "upload_resume_lifetime", "upload_cors"],
    needs: '"upload_store" is off',
    isOn: (scope: Scope) => Boolean(scope.setting("upload")),
  },
  {
    names: [
      "cgi_methods",
      "cgi_timeout",
      "cgi_max_processes",
      "cgi_queue",
      "cgi_param",
      "cgi_pass_env",
      "cgi_pass_authorization",
      "cgi_check_script",
      "cgi_limit",
    ],
    needs: '"cgi" is off',
    isOn: hasCgi,
  },
  {
    names: ["create_full_put_path", "dav_access", "min_delete_depth"],
    needs: '"dav_methods" is off',
    isOn: (scope: Scope) => isOn(scope.setting("davMethods")),
  },
  {
    names: ["dav_ext_lock"],
    needs: '"dav_methods" and "dav_ext_methods" are off',
    isOn: (scope: Scope) => isOn(scope.setting("davMethods")) || isOn(scope.setting("davExtMethods")),
  },
  {
    names: ["session_cookie", "session_lifetime", "session_max", "session_store"],
    needs: '"session" is off',
    isOn: hasSession,
  },
] as const;

/** Warns about those that modify nothing, in this block or in those within. */
function checkIdle(scope: Scope, scopes: readonly Scope[]): void {
  for (const { names, needs, isOn } of SHAPING) {
    const written = names.filter((name) => scope.seen.has(name));
    if (written.length === 0 || scopes.some((other) => other.isWithin(scope) && isOn(other))) continue;
    for (const name of written) scope.warning(scope.seen.get(name)!, `"${name}" has no effect: ${needs} here`);
  }
}
