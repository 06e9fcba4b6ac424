/** Writes docs/configuration.md, docs/nginx-directives.md and docs/nginx-differences.md from the tables of directives and variables: `bun tools/document.ts`. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { configurationReference } from "../src/config/docs.ts";
import { VARIABLES } from "../src/exchange/variables/variables.ts";
import { differencesPage } from "./nginx/differences.ts";
import { nginxPage } from "./nginx/page.ts";

const write = (page: string, text: string): void => writeFileSync(join(import.meta.dir, "../docs", page), text);

write("configuration.md", configurationReference(VARIABLES));
write("nginx-directives.md", nginxPage());
write("nginx-differences.md", differencesPage());
