/** The directives that make variables of tables. */
import type { Row } from "../../table.ts";
import { GEO } from "./geo.ts";
import { MAP } from "./map.ts";
import { REFERERS } from "./referers.ts";
import { SPLIT } from "./split.ts";

export const TABLES: readonly Row[] = [MAP, GEO, SPLIT, REFERERS];
