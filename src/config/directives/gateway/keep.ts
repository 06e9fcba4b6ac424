/** Stores settings of a family. */
import type { Family, FamilySettings } from "../../gateway.ts";
import type { GroupOwn, Scope } from "../../scope.ts";

type Own = GroupOwn<FamilySettings>;

/** A `set` that stores the only argument as that setting of the family. */
export const keep =
  <K extends keyof Own>(family: Family, key: K) =>
  (scope: Scope, [value]: [Own[K]]): void => {
    scope.ownGroup(family)[key] = value;
  };
