/** Writes docs/configuration.md from the tables of directives and variables: `bun tools/document.ts`. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { configurationReference } from "../src/config/docs.ts";
import { VARIABLES } from "../src/exchange/variables/variables.ts";

writeFileSync(join(import.meta.dir, "../docs/configuration.md"), configurationReference(VARIABLES));
