/** Compiles templates to functions, once each. Variables are looked up when a template is first used, not at each request. */
import type { Template } from "../config/parts.ts";
import type { VariableTable } from "../config/tables/tables.ts";
import { octets } from "../http/octets.ts";
import type { Evaluator, Lifetime, Templates } from "./exchange.ts";
import type { TableObserver } from "./tables/observer.ts";
import { tableVariable } from "./tables/table.ts";
import { isKnown, lifetimeOf, uninitialized, variable } from "./variables/variables.ts";

/** The compiled templates and the variables of one configuration. */
export class Evaluators implements Templates {
  private readonly compiled = new WeakMap<Template, Evaluator>();
  private readonly computed = new Map<string, Evaluator>();
  private readonly lifetimes = new Map<string, Lifetime>();

  /**
   * @param tables the tables of the configuration by their variables' names
   * @param assigned the variables that `set` gives values; true: nothing else does
   * @param used the names of the variables that it uses
   */
  constructor(
    private readonly tables: ReadonlyMap<string, VariableTable> = new Map(),
    private readonly assigned: ReadonlyMap<string, boolean> = new Map(),
    private readonly used: ReadonlySet<string> = new Set(),
    private readonly observer?: TableObserver,
  ) {}

  uses(name: string): boolean {
    return this.used.has(name);
  }

  evaluator(template: Template): Evaluator {
    let evaluator = this.compiled.get(template);
    if (evaluator === undefined) this.compiled.set(template, (evaluator = this.compile(template.parts)));
    return evaluator;
  }

  private compile(parts: Template["parts"]): Evaluator {
    const evaluators = parts.map((part): Evaluator => {
      if (typeof part !== "string") return this.variable(part.variable);
      const literal = octets(part);
      return () => literal;
    });
    if (evaluators.length === 1) return evaluators[0]!;
    return (exchange) => {
      let text = "";
      for (const evaluator of evaluators) text += evaluator(exchange);
      return text;
    };
  }

  variable(name: string): Evaluator {
    const table = this.tables.get(name);
    if (table === undefined) return this.assigned.has(name) ? this.assignedVariable(name) : variable(name);
    let evaluator = this.computed.get(name);
    if (evaluator === undefined) {
      // Its own templates may name it: what stands for it until it is made looks it up at the request.
      this.computed.set(name, (exchange) => this.variable(name)(exchange));
      this.computed.set(name, (evaluator = tableVariable(name, table, this, this.observer)));
    }
    return evaluator;
  }

  private assignedVariable(name: string): Evaluator {
    const otherwise = this.assigned.get(name) === true && !isKnown(name) ? uninitialized(name) : variable(name);
    return (exchange) => exchange.assigned?.get(name) ?? otherwise(exchange);
  }

  isAssigned(name: string): boolean {
    return this.assigned.get(name) === true;
  }

  lifetime(name: string): Lifetime {
    if (this.assigned.has(name)) return "change";
    const table = this.tables.get(name);
    if (table === undefined) return lifetimeOf(name);
    let lifetime = this.lifetimes.get(name);
    if (lifetime === undefined) {
      this.lifetimes.set(name, "change"); // while it is asked for: it may need itself
      this.lifetimes.set(name, (lifetime = this.isTableOfReply(table) ? "reply" : "change"));
    }
    return lifetime;
  }

  isOfReply({ parts }: Template): boolean {
    return parts.every((part) => typeof part === "string" || this.lifetime(part.variable) === "reply");
  }

  private isTableOfReply(table: VariableTable): boolean {
    if (table.kind !== "map" || table.volatile || !this.isOfReply(table.source)) return false;
    const { exact, leading, trailing } = table.names;
    const values = [...exact.values(), ...leading.values(), ...trailing.values(), table.fallback];
    return [...values, ...table.expressions.map(({ value }) => value)].every((value) => this.isOfReply(value));
  }
}
