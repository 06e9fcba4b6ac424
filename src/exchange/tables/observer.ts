/** Sees the values that tables compute, where somebody wants to know (`webserv explain`). */
import type { VariableTable } from "../../config/tables/tables.ts";

export interface TableObserver {
  /** @param source what was looked up, as octets: a text, of `geo` an address  @param value octets */
  computed(name: string, table: VariableTable, source: string, value: string): void;
}

/** Takes what one table computes. @param source, value as of `computed` */
export type ValueObserver = (source: string, value: string) => void;
