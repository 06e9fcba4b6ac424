/** The demonstration's application behind the server, in a real browser: an echo over a WebSocket, and the cache before a slow page. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { rmSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { PROJECT, ServerProcess } from "../wire/server.ts";
import { copyOfTheSite } from "../wire/site.ts";
import { hasBrowser, launch } from "./browser.ts";

setDefaultTimeout(60_000);

const pictures = process.env.SCREENSHOTS;

describe.skipIf(!hasBrowser)("the page of an application in Chromium", () => {
  let browser: Browser;
  let server: ServerProcess;
  let site: Awaited<ReturnType<typeof copyOfTheSite>>;
  let page: Page;

  beforeAll(async () => {
    site = await copyOfTheSite();
    server = new ServerProcess({ file: join(site.folder, "conf/default.conf"), prefix: site.folder, cwd: site.folder });
    await server.start();
    browser = await launch();
    page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${site.ports.get(8080)}/live.html`);
  });
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
    rmSync(site.folder, { recursive: true, force: true });
  });

  /** Runs `use` while the application runs. */
  async function withApplication(use: () => Promise<void>): Promise<void> {
    const application = Bun.spawn([process.execPath, join(PROJECT, "tools/demonstration-app.ts")], {
      env: { ...process.env, PORT: `${site.ports.get(8090)}` },
      stdout: "pipe",
    });
    try {
      await application.stdout.getReader().read(); // it says when it listens
      await use();
    } finally {
      application.kill();
      await application.exited;
    }
  }

  const shows = (text: string | RegExp): Promise<void> => page.getByText(text).first().waitFor();

  async function say(text: string): Promise<void> {
    await page.getByLabel("Your words").fill(text);
    await page.keyboard.press("Enter");
  }

  test("without the application it says how to start it", async () => {
    await page.getByRole("button", { name: "Ask for it" }).click();
    await shows(/npm run start:app”, then/);
    await page.reload();
    await say("nobody");
    await shows(/npm run start:app”, then/);
  });

  test("it echoes, and asks the application once for the slow page", () =>
    withApplication(async () => {
      await page.reload();
      await say("first <b>");
      await page.locator("#echoes li").getByText("first <b>", { exact: true }).waitFor();
      await say("second");
      await page.locator("#echoes li").getByText("second", { exact: true }).waitFor();
      const ask = page.getByRole("button", { name: "Ask for it" });
      await ask.click();
      await shows(/^MISS: made at/);
      const made = /made at (\S+)/.exec((await page.textContent("#slow"))!)![1]!;
      await ask.click();
      await shows(/^HIT: made at/);
      expect(await page.textContent("#slow")).toContain(made);
      if (pictures !== undefined) await page.screenshot({ path: join(pictures, "live.png"), fullPage: true });
    }));
});
