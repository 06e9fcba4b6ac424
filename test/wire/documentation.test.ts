/** The pages for operators are true: their examples run in their order, and every line of output that they show comes. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { HAS_OPENSSL, makeFolder, PROJECT, ServerProcess } from "./server.ts";
import { copyOfTheSite } from "./site.ts";

setDefaultTimeout(60_000);

interface Example {
  readonly command: string;
  readonly output: readonly string[];
}

/** `    $ command`, with `    > ` before its further lines, then the lines of its output that the page shows. */
function examplesOf(page: string): Example[] {
  const examples: { command: string; output: string[] }[] = [];
  let inExample = false;
  for (const line of page.split("\n")) {
    if (line.startsWith("    $ ")) examples.push({ command: line.slice(6), output: [] });
    else if (inExample && line.startsWith("    > ")) examples.at(-1)!.command += `\n${line.slice(6)}`;
    else if (inExample && line.startsWith("    ")) examples.at(-1)!.output.push(line.slice(4));
    inExample = line.startsWith("    $ ") || (inExample && line.startsWith("    "));
  }
  return examples;
}

/** The first block of a page: the configuration that its examples need. */
function configurationOf(page: string): string {
  return /(?:^ {4}.*\n|^\n(?= {4}))+/m.exec(page)![0];
}

const MARK = "--- next example ---";

/** One shell for all, so that variables and files stay. */
function script(examples: readonly Example[], port: number): string {
  return examples.map(({ command }) => `${command.replaceAll(":8080", `:${port}`)}\necho; echo '${MARK}'`).join("\n");
}

/** A server that a page is about, and the folder in which its examples are run. */
interface Scene {
  readonly server: ServerProcess;
  readonly port: number;
  readonly folder: string;
  /** Folders to remove. */
  readonly folders: readonly string[];
}

async function demonstration(): Promise<Scene> {
  const site = await copyOfTheSite();
  const server = new ServerProcess({ file: join(site.folder, "conf/default.conf"), prefix: site.folder });
  await server.start();
  const folder = makeFolder();
  return { server, port: site.ports.get(8080)!, folder, folders: [site.folder, folder] };
}

async function ownSite(page: string): Promise<Scene> {
  const configuration = configurationOf(page).replace(":8080", ":0");
  const server = new ServerProcess({ configuration, files: { "site/cgi-bin/": "", "site/files/": "" } });
  await server.start();
  return { server, port: server.port, folder: server.folder, folders: [] };
}

/** A site with certificates. */
async function secureSite(page: string): Promise<Scene> {
  const configuration = configurationOf(page).replace(":8080", ":0");
  const pem = (name: string): string => readFileSync(join(PROJECT, "test/vectors/tls", name), "utf8");
  const files = { "certs/site.pem": pem("one.pem"), "certs/site.key": pem("one.key"), "certs/ca.pem": pem("ca.pem") };
  const server = new ServerProcess({ configuration, files });
  await server.start();
  return { server, port: server.port, folder: server.folder, folders: [] };
}

type Page = [name: string, least: number, prepare: (page: string) => Promise<Scene>];

const PAGES: Page[] = [
  ["docs/uploads.md", 15, demonstration],
  ["docs/cgi.md", 15, ownSite],
  ["docs/gateway.md", 5, ownSite],
  ["docs/webdav.md", 6, ownSite],
];
const SECURE: Page = ["docs/https.md", 2, secureSite];
if (HAS_OPENSSL) PAGES.push(SECURE);
else test.skip("docs/https.md (needs OpenSSL)", () => {});

describe.skipIf(Bun.which("curl") === null).each(PAGES)("%s (needs curl)", (name, least, prepare) => {
  const page = readFileSync(join(PROJECT, name), "utf8");
  const examples = examplesOf(page);
  let scene: Scene | undefined;
  let outputs: string[][] = [];

  beforeAll(async () => {
    scene = await prepare(page);
    const shell = Bun.spawn(["sh", "-s"], {
      cwd: scene.folder,
      stdin: Buffer.from(script(examples, scene.port)),
      stderr: "inherit",
    });
    const text = await new Response(shell.stdout).text();
    outputs = text.split(MARK).map((part) => part.split(/\r?\n/));
  });
  afterAll(async () => {
    await scene?.server.stop();
    for (const path of scene?.folders ?? []) rmSync(path, { recursive: true, force: true });
  });

  test("has examples", () => expect(examples.length).toBeGreaterThan(least));
  examples.forEach(({ command, output }, i) => {
    test(command.slice(0, 100), () => {
      for (const line of output) expect(outputs[i]).toContain(line);
    });
  });
});
