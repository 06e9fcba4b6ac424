/** Sees the values that tables compute, where somebody wants to know (`webserv explain`). */
import type { VariableTable } from "../../config/tables/tables.ts";

export interface TableWitness {
  /** @param source what was looked up, as octets: a text, of `geo` an address  @param value octets */
  computed(name: string, table: VariableTable, source: string, value: string): void;
}

/** The same of one table. */
export type Told = (source: string, value: string) => void;
