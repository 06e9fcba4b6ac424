/** The field If (RFC 4918 §10.4): lists of conditions, one of which must hold. */

export interface Condition {
  readonly not: boolean;
  /** A state token: a lock's, or another URI. "": `etag` is the condition. */
  readonly token: string;
  readonly etag: string;
}

/** Conditions that must hold together, about `resource` (a URI) or, if that is null, what the request names. */
export interface ConditionList {
  readonly resource: string | null;
  readonly conditions: readonly Condition[];
}

const SPACE = /[ \t]*/y;
const RESOURCE = /<([^<>\s]+)>[ \t]*(?=\()/y;
const CONDITION = /(Not[ \t]*)?(?:<([^<>\s]+)>|\[((?:W\/)?"[^"]*")\])[ \t]*/iy;

/** The lists; null: the value is malformed. All of them have a resource, or none has. */
export function parseIf(value: string): readonly ConditionList[] | null {
  const lists: ConditionList[] = [];
  let at = 0;
  const match = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const found = pattern.exec(value);
    if (found !== null) at = pattern.lastIndex;
    return found;
  };
  let resource: string | null = null;
  for (match(SPACE); at < value.length; match(SPACE)) {
    const tag: string | undefined = match(RESOURCE)?.[1];
    if (tag !== undefined && resource === null && lists.length > 0) return null;
    resource = tag ?? resource;
    if (value[at] !== "(") return null;
    at++;
    match(SPACE);
    const conditions: Condition[] = [];
    for (let found = match(CONDITION); found !== null; found = match(CONDITION))
      conditions.push({ not: found[1] !== undefined, token: found[2] ?? "", etag: found[3] ?? "" });
    if (value[at] !== ")" || conditions.length === 0) return null;
    at++;
    lists.push({ resource, conditions });
  }
  return lists.length > 0 ? lists : null;
}
