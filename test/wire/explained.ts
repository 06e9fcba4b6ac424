/** `webserv explain` beside the server: what it says of a request of a test is what the server answers. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import type { Kernel } from "../../ffi/kernel.ts";
import { linux } from "../../ffi/linux.ts";
import { loadConfig } from "../../src/config/load.ts";
import type { Config } from "../../src/config/model.ts";
import type { Origins } from "../../src/config/text/origins.ts";
import { VARIABLES } from "../../src/exchange/variables/variables.ts";
import { DryRun } from "../../src/main/explain/dry-run.ts";
import { type Explanation, explanationOf } from "../../src/main/explain/explanation.ts";
import { answers as answersOnly, type Expected } from "./cases.ts";
import type { ServerProcess } from "./server.ts";

const never = (name: string) => (): never => {
  throw new Error(`${name} was called`);
};

/** What an explanation must not do. */
const FORBIDDEN = [
  ...["socket", "connect", "listen", "accept", "bind", "send", "recv", "pipe", "spawn", "kill", "write", "unlink"],
  ...["mkdir", "rmdir", "rename", "truncate", "fchmod", "fchown", "futimens", "chmod", "setDescriptorLimit"],
] as const satisfies readonly (keyof Kernel)[];
const kernel: Kernel = { ...linux, ...Object.fromEntries(FORBIDDEN.map((name) => [name, never(name)])) };

interface Known {
  readonly config: Config;
  readonly origins: Origins;
  readonly dryRun: DryRun;
}

const known = new Map<ServerProcess, Known>();

function load(server: ServerProcess): Known {
  let found = known.get(server);
  if (found === undefined) {
    const { folder } = server;
    const options = { kernel: linux, variables: VARIABLES, file: join(folder, "test.conf"), prefix: folder };
    const { config, origins } = loadConfig(options);
    const dryRun = new DryRun(kernel, config!, origins, config!.addresses[0]!, process.env);
    known.set(server, (found = { config: config!, origins, dryRun }));
  }
  return found;
}

/** What would be said of a request to the first address of a server's configuration. */
export async function explained(server: ServerProcess, request: string | Uint8Array): Promise<Explanation> {
  const { config, origins, dryRun } = load(server);
  const text = Buffer.from(request as string, "latin1").latin1Slice();
  const head = text.slice(0, text.indexOf("\r\n\r\n") + 4);
  const asked = {
    listen: config.addresses[0]!,
    address: "127.0.0.1",
    port: server.port,
    isTls: false,
    serverName: "",
    head,
  };
  const question = { url: "", method: "", fields: [], client: "127.0.0.1" };
  return explanationOf(question, asked, await dryRun.ask(asked, "127.0.0.1"), origins);
}

/** Fields that the connection adds, and those of replies that are kept. */
const OF_CONNECTION = /^(content-length|connection|transfer-encoding|keep-alive|date)$/i;

/** As `answers` of cases.ts; and `explain` says the same, or names who answers in its place. */
export function answers(server: ServerProcess, name: string, request: string | Uint8Array, expected: Expected): void {
  answersOnly(server, name, request, expected);
  test(`explain: ${name}`, async () => {
    const { reply, steps } = await explained(server, request);
    if (reply === null) return expect(steps.at(-1)!.topic).toBe("answer");
    expect(reply.status).toBe(expected.status);
    for (const [field, value] of Object.entries(expected.fields ?? {})) {
      if (OF_CONNECTION.test(field)) continue;
      const values = reply.fields
        .filter(([each]) => each.toLowerCase() === field.toLowerCase())
        .map(([, each]) => each);
      const got = values.length === 0 ? undefined : values.join(", ");
      if (value === null) expect(got).toBeUndefined();
      else if (value instanceof RegExp) expect(got).toMatch(new RegExp(`^${value.source}$`, value.flags));
      else expect(got).toBe(value);
    }
  });
}
