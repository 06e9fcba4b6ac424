/** docs/uploads.md is true: its examples run in their order against the demonstration, and every line of output it shows comes. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { makeFolder, PROJECT, ServerProcess } from "./server.ts";
import { copyOfTheSite } from "./site.ts";

interface Example {
  readonly command: string;
  readonly output: readonly string[];
}

/** `    $ command`, then the lines of its output that the page shows. */
function examplesOf(page: string): Example[] {
  const examples: { command: string; output: string[] }[] = [];
  let inExample = false;
  for (const line of page.split("\n")) {
    if (line.startsWith("    $ ")) examples.push({ command: line.slice(6), output: [] });
    else if (inExample && line.startsWith("    ")) examples.at(-1)!.output.push(line.slice(4));
    inExample = line.startsWith("    $ ") || (inExample && line.startsWith("    "));
  }
  return examples;
}

const MARK = "--- next example ---";

/** One shell for all, so that variables and files stay. */
function script(examples: readonly Example[], port: number): string {
  return examples.map(({ command }) => `${command.replaceAll(":8080", `:${port}`)}\necho; echo '${MARK}'`).join("\n");
}

describe.skipIf(Bun.which("curl") === null)("docs/uploads.md (needs curl)", () => {
  const examples = examplesOf(readFileSync(join(PROJECT, "docs/uploads.md"), "utf8"));
  const folder = makeFolder();
  let site: Awaited<ReturnType<typeof copyOfTheSite>>;
  let server: ServerProcess;
  let outputs: string[][] = [];

  beforeAll(async () => {
    site = await copyOfTheSite();
    server = new ServerProcess({ file: join(site.folder, "conf/default.conf"), prefix: site.folder });
    await server.start();
    const shell = Bun.spawn(["sh", "-s"], {
      cwd: folder,
      stdin: Buffer.from(script(examples, site.ports.get(8080)!)),
      stderr: "inherit",
    });
    const text = await new Response(shell.stdout).text();
    outputs = text.split(MARK).map((part) => part.split(/\r?\n/));
  });
  afterAll(async () => {
    await server?.stop();
    for (const path of [folder, site.folder]) rmSync(path, { recursive: true, force: true });
  });

  test("has examples", () => expect(examples.length).toBeGreaterThan(15));
  examples.forEach(({ command, output }, i) => {
    test(command.slice(0, 100), () => {
      for (const line of output) expect(outputs[i]).toContain(line);
    });
  });
});
