/** The floor: a loop on the same ffi that parses nothing and answers canned bytes. */
import { join } from "node:path";
import type { Peer } from "./server.ts";

export const floor: Peer = {
  name: "floor",
  family: "floor",
  program: process.execPath,
  command: (setup) => [process.execPath, "run", join(import.meta.dir, "../floor.ts"), `${setup.port}`],
};
