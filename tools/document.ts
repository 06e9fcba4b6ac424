/** Writes docs/configuration.md from the directive table: `bun tools/document.ts`. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { configurationReference } from "../src/config/docs.ts";

writeFileSync(join(import.meta.dir, "../docs/configuration.md"), configurationReference());
