/** Bun.serve with static routes: replies that its native code sends from memory, no JavaScript per request. */
import { join } from "node:path";
import type { Peer } from "./server.ts";

export const bunServe: Peer = {
  name: "Bun.serve",
  family: "Bun.serve",
  program: process.execPath,
  command: (setup) => [process.execPath, "run", join(import.meta.dir, "bun-serve-process.ts"), `${setup.port}`],
};
