/** The server in the test's own process, its handlers within reach; the test's runtime lets it turn. */

import { expect } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { linux } from "../../../ffi/linux.ts";
import { loadConfig } from "../../../src/config/load.ts";
import { VARIABLES } from "../../../src/exchange/variables/variables.ts";
import { Server } from "../../../src/server/server.ts";

export interface InProcess {
  readonly server: Server;
  /** Of the one address. */
  readonly port: number;
  stop(): void;
}

/** Starts a server whose configuration file lies in `folder`; `onTurn` is called before each of its turns. */
export function startInProcess(folder: string, configuration: string, onTurn: () => void = () => {}): InProcess {
  const file = join(folder, "test.conf");
  writeFileSync(file, configuration);
  const server = new Server(linux, loadConfig({ kernel: linux, variables: VARIABLES, file }).config!, "webserv");
  expect(server.start()).toEqual([]);
  const pump = setInterval(() => {
    onTurn();
    server.reactor.turn(0);
  }, 1);
  const stop = (): void => {
    clearInterval(pump);
    server.stop();
  };
  return { server, port: Number(new URL(server.sites[0]!.url).port), stop };
}

/** Waits until every client has gone. */
export async function untilAlone({ clients }: Server): Promise<void> {
  while (clients.size > 0) await Bun.sleep(1);
}
