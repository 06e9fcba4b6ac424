/** The upload pages for tests: www/ of the checkout, a store and sessions in a folder of their own, Chromium, a line between. */
import { afterAll, beforeAll } from "bun:test";
import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, BrowserContext, BrowserContextOptions, Page } from "playwright-core";
import { makeFolder, PROJECT, ServerProcess } from "../wire/server.ts";
import { launch } from "./browser.ts";
import { Line } from "./line.ts";

/** Pictures of the pages go here when SCREENSHOTS names a folder, to be looked at. */
const pictures = process.env.SCREENSHOTS;

/** The locations of conf/default.conf that these pages need, with the store in `folder`. */
const configuration = (folder: string): string => `
  include "${PROJECT}/conf/mime.types";
  charset utf-8;
  server {
    listen 127.0.0.1:0;
    root "${PROJECT}/www";
    error_page 404 /errors/404.html;

    location ~ ^/(upload|manager|session)\\.html$ {
      add_header Content-Security-Policy "default-src 'self'";
    }
    location /uploads/ {
      alias                 ${folder}/store/;
      autoindex             on;
      upload_store          ${folder}/store;
      delete_files          on;
      client_max_body_size  100m;
    }
    location /api/uploads/ {
      alias             ${folder}/store/;
      autoindex         on;
      autoindex_format  json;
    }
    location = /session {
      session_api;
      session_store  ${folder}/sessions.db;
    }
    location = /go/upload { return 302 /upload.html; }
  }`;

/** Everything one test file needs; ready after `start`. */
export class UploadsSite {
  readonly folder = makeFolder({ "store/": "" });
  readonly store = join(this.folder, "store");
  readonly line = new Line();
  browser!: Browser;
  private server!: ServerProcess;

  /** What the pages' addresses start with. */
  get home(): string {
    return `http://127.0.0.1:${this.line.port}`;
  }

  async start(): Promise<void> {
    await this.line.open();
    await this.startServer();
    this.browser = await launch();
  }

  async stop(): Promise<void> {
    await this.browser?.close();
    this.line.close();
    await this.server?.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Ends the server by `signal` and starts another one with the same configuration, at the end of the same line. */
  async restart(signal: NodeJS.Signals): Promise<void> {
    await this.server.stop(signal);
    await this.startServer();
  }

  private async startServer(): Promise<void> {
    this.server = new ServerProcess({ configuration: configuration(this.folder) });
    await this.server.start();
    this.line.target = this.server.port;
  }

  /** Empties the store and writes `files` into it: path to content. */
  fill(files: Record<string, string | Uint8Array>): void {
    for (const name of readdirSync(this.store)) {
      if (name !== ".webserv") rmSync(join(this.store, name), { recursive: true });
    }
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(join(this.store, path, ".."), { recursive: true });
      writeFileSync(join(this.store, path), content);
    }
  }

  /** What is stored, folders' contents included. */
  stored(): string[] {
    const names = readdirSync(this.store, { recursive: true, encoding: "utf8", withFileTypes: true });
    const files = names.filter((entry) => entry.isFile() && !entry.parentPath.includes(".webserv"));
    return files.map((entry) => join(entry.parentPath, entry.name).slice(this.store.length + 1)).sort();
  }

  /** The unfinished uploads the server keeps. */
  parts(): string[] {
    return readdirSync(join(this.store, ".webserv")).filter((name) => name.endsWith(".part"));
  }

  /** How many bytes the server has of each. */
  partSizes(): number[] {
    return this.parts().map((name) => statSync(join(this.store, ".webserv", name)).size);
  }

  /** Opens a page in a window of its own, gives it to `use`, and closes it. What a page's script throws fails the test. */
  async visit<T>(path: string, use: (page: Page) => Promise<T>, options: BrowserContextOptions = {}): Promise<T> {
    const context: BrowserContext = await this.browser.newContext(options);
    const errors: Error[] = [];
    try {
      const page = await context.newPage();
      page.on("pageerror", (error) => errors.push(error));
      page.on("console", (message) => {
        if (/Content Security Policy/.test(message.text())) errors.push(new Error(message.text()));
      });
      await page.goto(this.home + path);
      const result = await use(page);
      if (errors.length > 0) throw errors[0];
      return result;
    } finally {
      await context.close();
    }
  }
}

/** A site for all tests of the calling describe block: started before them, ended after them. */
export function useUploadsSite(): UploadsSite {
  const site = new UploadsSite();
  beforeAll(() => site.start());
  afterAll(() => site.stop());
  return site;
}

/** Keeps a picture of the page where SCREENSHOTS says. */
export async function picture(page: Page, name: string): Promise<void> {
  if (pictures === undefined) return;
  mkdirSync(pictures, { recursive: true });
  await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });
}

/** How far a page is wider than its window, in pixels. */
export const overflow = (page: Page): Promise<number> =>
  page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth");

/** Waits until `isTrue` gives true; after 30 s it fails with what `instead` gives. */
export async function eventually(
  isTrue: () => Promise<boolean> | boolean,
  instead: () => Promise<string> | string,
): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!(await isTrue())) {
    if (Date.now() > deadline) throw new Error(`waited in vain; there is: ${await instead()}`);
    await Bun.sleep(10);
  }
}

/** What small phones, a zoom of 400 % (WCAG 1.4.10) and the dark ask of a page. */
export const PHONE = { viewport: { width: 320, height: 740 } } as const;
export const DARK = { colorScheme: "dark", ...PHONE } as const;
