/** The rewrite program of a block: `set`, `rewrite`, `return`, `break` and `if`, in the order written (ngx_http_rewrite_module). */
import type { Return, Template } from "../parts.ts";

export interface RewriteSettings {
  /**
   * What is done before anything else is decided, in order: the server's steps before the location is looked up, a location's when
   * a request enters it. Blocks within do not inherit them. A `return` behind nothing but `set` is not here but in `Settings.return`.
   */
  readonly rewrite: readonly RewriteStep[];
  /** Whether each expression, and what became of the path, is logged (notice). */
  readonly rewriteLog: boolean;
  /** Whether the use of a variable that `set` has not reached is logged (warn). */
  readonly uninitializedVariableWarn: boolean;
}

export type RewriteStep = SetStep | UriStep | ReturnStep | BreakStep | IfStep;

/** A regular expression, as written and compiled. */
export interface Pattern {
  readonly source: string;
  readonly regex: RegExp;
}

/** `set`. */
export interface SetStep {
  readonly kind: "set";
  /** Without its `$`. */
  readonly variable: string;
  readonly value: Template;
}

/** `rewrite`. */
export interface UriStep {
  readonly kind: "rewrite";
  readonly pattern: Pattern;
  /** Path and arguments, or the target of a redirect; without the `?` at its end. */
  readonly replacement: Template;
  /** Whether the request's own arguments are appended: there was no `?` at the end. */
  readonly appends: boolean;
  /** The status of a redirect (301, 302); 0: the request goes on inside. */
  readonly redirect: number;
  /** `last` ends the program, and the location is looked up again; `break` ends it; "": the next step follows, then as `last`. */
  readonly flag: "" | "last" | "break";
}

/** `return`. */
export interface ReturnStep {
  readonly kind: "return";
  readonly rule: Return;
}

/** `break`. */
interface BreakStep {
  readonly kind: "break";
}

/** `if`. */
interface IfStep {
  readonly kind: "if";
  readonly test: Test;
  readonly steps: readonly RewriteStep[];
  /** The index in `Location.conditions` of the location that the request then is in; null: it is in a server. */
  readonly location: number | null;
}

/** What `if` asks. `subject` is one variable. */
export type Test =
  | { readonly kind: "isSet"; readonly subject: Template }
  | { readonly kind: "equals"; readonly subject: Template; readonly value: Template; readonly negated: boolean }
  | { readonly kind: "matches"; readonly subject: Template; readonly pattern: Pattern; readonly negated: boolean }
  | {
      readonly kind: "file";
      readonly path: Template;
      readonly is: "file" | "folder" | "there" | "executable";
      readonly negated: boolean;
    };
