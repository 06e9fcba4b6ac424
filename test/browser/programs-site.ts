/** A running server of its own and Chromium, for the tests of programs. */
import { afterAll, beforeAll } from "bun:test";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { ServerProcess, type Site } from "../wire/server.ts";
import { copyOfTheSite } from "../wire/site.ts";
import { launch } from "./browser.ts";

export class ProgramsSite {
  /** What the pages' addresses start with. */
  home = "";
  server!: ServerProcess;
  private browser!: Browser;

  async start(site: Site): Promise<void> {
    this.server = new ServerProcess(site);
    await this.server.start();
    this.home = `http://127.0.0.1:${this.server.port}`;
    this.browser = await launch();
  }

  async stop(): Promise<void> {
    await this.browser?.close();
    await this.server?.stop();
  }

  /** Opens a page in a window of its own, gives it to `use`, and closes it. What a page's script throws fails the test. */
  async visit<T>(path: string, use: (page: Page) => Promise<T>, options: BrowserContextOptions = {}): Promise<T> {
    const context = await this.browser.newContext(options);
    const errors: Error[] = [];
    try {
      const page = await context.newPage();
      page.on("pageerror", (error) => errors.push(error));
      await page.goto(this.home + path);
      const result = await use(page);
      if (errors.length > 0) throw errors[0];
      return result;
    } finally {
      await context.close();
    }
  }
}

/** A site for all tests of the calling describe block; `make` gives it when they begin, and what to do after them. */
export function useSite(make: () => Promise<Site & { readonly after?: () => void }>): ProgramsSite {
  const site = new ProgramsSite();
  let after: (() => void) | undefined;
  beforeAll(async () => {
    const made = await make();
    after = made.after;
    await site.start(made);
  });
  afterAll(async () => {
    await site.stop();
    after?.();
  });
  return site;
}

/** The demonstration, in which programs get these variables too. */
export function useDemonstration(variables: Readonly<Record<string, string>> = {}): ProgramsSite {
  return useSite(async () => {
    const { folder } = await copyOfTheSite();
    const file = join(folder, "conf/default.conf");
    const params = Object.entries({ TMPDIR: folder, ...variables }).map(
      ([name, value]) => `cgi_param ${name} "${value}";`,
    );
    const text = readFileSync(file, "utf8").replace(/(?=cgi_pass_env )/, `${params.join(" ")} `);
    writeFileSync(file, text);
    return { file, prefix: folder, after: () => rmSync(folder, { recursive: true, force: true }) };
  });
}
