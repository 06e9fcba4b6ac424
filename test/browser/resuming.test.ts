/** The upload page in a real browser: whatever breaks on the way, an upload goes on where it stopped, or leaves nothing. */
import { afterAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { readFileSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import type { Page } from "playwright-core";
import { makeFolder } from "../wire/server.ts";
import { hasBrowser } from "./browser.ts";
import { done, inState, MB, more, patches } from "./upload-page.ts";
import { eventually, picture, useUploadsSite } from "./uploads-site.ts";

setDefaultTimeout(60_000);

const big = randomBytes(24 * MB);

describe.skipIf(!hasBrowser)("uploads on a bad line in Chromium", () => {
  const site = useUploadsSite();
  const folder = makeFolder({ "big.bin": big });
  const bigFile = join(folder, "big.bin");

  beforeEach(() => {
    site.fill({});
    site.line.isDown = false;
    site.line.allow(Number.POSITIVE_INFINITY);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const stored = (path: string): Buffer => readFileSync(join(site.store, path));

  /** The large file is chosen and the line holds it when some of it has come through. */
  async function half(page: Page): Promise<void> {
    site.line.allow(8 * MB);
    await page.setInputFiles("#files", bigFile);
    await more(page, 0);
    // What the server has is what counts, not what the browser has given to its socket.
    await eventually(
      () => site.partSizes().some((size) => size > 4 * MB),
      () => site.partSizes().join(),
    );
  }

  test("progress moves with what is sent, with a rate and the time left", async () => {
    await site.visit("/upload.html", async (page) => {
      site.line.allow(2 * MB);
      await page.setInputFiles("#files", bigFile);
      const seen = [await more(page, 0)];
      // Sockets between them take some ten megabytes ahead, a busy browser shows two steps as one.
      while (seen.at(-1)! < 0.9) {
        site.line.allow(2 * MB);
        seen.push(await more(page, seen.at(-1)!));
        const text = await page.locator(".detail").first().textContent();
        if (seen.length === 3) {
          expect(text).toMatch(/^\d+ % of 24 MiB/);
          await picture(page, "upload-progress");
        }
      }
      expect(seen.length).toBeGreaterThanOrEqual(3);
      expect([...seen].sort((a, b) => a - b)).toEqual(seen);
      expect(await page.locator(".detail").first().textContent()).toMatch(/iB\/s · .* left|storing/);
      expect(site.stored()).toEqual([]);
      site.line.allow(Number.POSITIVE_INFINITY);
      await done(page, 1);
    });
    expect(stored("big.bin").equals(big)).toBe(true);
  });

  test("a lost connection: it says so, tries again, and goes on where it stopped", async () => {
    await site.visit("/upload.html", async (page) => {
      const offsets = patches(page);
      await half(page);
      site.line.cut(true);
      await inState(page, "lost").waitFor();
      expect(await page.textContent("#news")).toContain("The connection is lost.");
      await picture(page, "upload-lost");
      site.line.isDown = false;
      site.line.allow(Number.POSITIVE_INFINITY);
      await page.evaluate("dispatchEvent(new Event('online'))");
      await done(page, 1);
      expect(offsets.length).toBe(2);
      expect(offsets[1]).toBeGreaterThan(0);
    });
    expect(stored("big.bin").equals(big)).toBe(true);
  });

  test("the server is killed and started again: the upload goes on", async () => {
    await site.visit("/upload.html", async (page) => {
      const offsets = patches(page);
      await half(page);
      await site.restart("SIGKILL");
      site.line.allow(Number.POSITIVE_INFINITY);
      await done(page, 1);
      expect(offsets.at(-1)).toBeGreaterThan(0);
    });
    expect(stored("big.bin").equals(big)).toBe(true);
    expect(site.parts()).toEqual([]);
  });

  test("the page is reloaded: the file chosen again goes on where it stopped", async () => {
    await site.visit("/upload.html", async (page) => {
      await half(page);
      page.on("dialog", (dialog) => dialog.accept());
      await page.reload();
      await page.getByRole("heading", { name: "Not finished" }).waitFor();
      expect(await page.locator("#unfinished .name").textContent()).toBe("big.bin");
      await picture(page, "upload-unfinished");
      const offsets = patches(page);
      site.line.allow(Number.POSITIVE_INFINITY);
      await page.setInputFiles("#files", bigFile);
      await done(page, 1);
      expect(offsets.length).toBe(1);
      expect(offsets[0]).toBeGreaterThan(0);
      expect(await page.locator("#unfinished").isVisible()).toBe(false);
    });
    expect(site.stored()).toEqual(["big.bin"]);
    expect(stored("big.bin").equals(big)).toBe(true);
  });

  test("what the server had before says nothing of the rate", async () => {
    await site.visit("/upload.html", async (page) => {
      await half(page);
      page.on("dialog", (dialog) => dialog.accept());
      await page.reload();
      // The jump comes late enough to be a rate, and nothing is sent after it.
      await page.route("**/uploads/**", async (route) => {
        if (route.request().method() === "HEAD") await Bun.sleep(300);
        if (route.request().method() !== "PATCH") await route.continue();
      });
      await page.setInputFiles("#files", bigFile);
      await more(page, 0.1);
      expect(await page.locator("#queue .detail").textContent()).toMatch(/^\d+ % of 24 MiB$/);
      expect(await page.textContent("#total")).not.toContain("/s");
      await page.getByRole("button", { name: "Cancel big.bin" }).click();
      await eventually(
        () => site.parts().length === 0,
        () => site.parts().join(),
      );
    });
  });

  test("what is not finished can be forgotten, by the server too", async () => {
    await site.visit("/upload.html", async (page) => {
      await half(page);
      page.on("dialog", (dialog) => dialog.accept());
      await page.reload();
      expect(site.parts().length).toBe(1);
      await page.getByRole("button", { name: "Forget big.bin" }).click();
      await page.locator("#unfinished").waitFor({ state: "hidden" });
      expect(site.parts()).toEqual([]);
      await page.reload();
      expect(await page.locator("#unfinished").isVisible()).toBe(false);
    });
  });

  test("chosen again in another window it goes on there, and stops here", async () => {
    await site.visit("/upload.html", async (page) => {
      await half(page);
      const other = await page.context().newPage();
      await other.goto(`${site.home}/upload.html`);
      const offsets = patches(other);
      await other.setInputFiles("#files", bigFile);
      await inState(page, "paused").waitFor();
      expect(await page.locator(".detail").textContent()).toContain("Goes on in another window.");
      const remembered: string[] = await other.evaluate("Object.values(localStorage)");
      expect(remembered.map((text) => JSON.parse(text).expires)).toEqual([expect.stringMatching(/ GMT$/)]);
      site.line.allow(Number.POSITIVE_INFINITY);
      await done(other, 1);
      // More than one where the first window heard of it late and had tried again; none of them from the beginning.
      expect(offsets.length).toBeGreaterThan(0);
      expect(Math.min(...offsets)).toBeGreaterThan(0);
    });
    expect(site.stored()).toEqual(["big.bin"]);
    expect(stored("big.bin").equals(big)).toBe(true);
  });

  test("going on with it in the first window stops it in the other", async () => {
    await site.visit("/upload.html", async (page) => {
      await half(page);
      await page.getByRole("button", { name: "Pause big.bin" }).click();
      const other = await page.context().newPage();
      await other.goto(`${site.home}/upload.html`);
      await other.setInputFiles("#files", bigFile);
      await inState(other, "running").waitFor();
      await page.getByRole("button", { name: "Go on big.bin" }).click();
      await inState(other, "paused").waitFor();
      expect(await other.locator("#queue .detail").textContent()).toContain("Goes on in another window.");
      site.line.allow(Number.POSITIVE_INFINITY);
      await done(page, 1);
    });
    expect(site.stored()).toEqual(["big.bin"]);
  });

  test("a file that is on its way with its folder, and is chosen alone too, is two uploads", async () => {
    await site.visit("/upload.html", async (page) => {
      const offsets = patches(page);
      site.line.allow(8 * MB);
      await page.setInputFiles("#folder", folder);
      await more(page, 0);
      await page.setInputFiles("#files", bigFile);
      await eventually(
        () => site.parts().length === 2,
        () => site.parts().join(),
      );
      site.line.allow(Number.POSITIVE_INFINITY);
      await done(page, 2);
      expect(offsets).toEqual([0, 0]);
    });
    expect(site.stored().sort()).toEqual(["big.bin", `${basename(folder)}/big.bin`].sort());
  });

  test("pause stops it, going on does not begin anew", async () => {
    await site.visit("/upload.html", async (page) => {
      const offsets = patches(page);
      await half(page);
      await page.getByRole("button", { name: "Pause big.bin" }).click();
      await inState(page, "paused").waitFor();
      site.line.allow(Number.POSITIVE_INFINITY);
      await page.getByRole("button", { name: "Go on big.bin" }).click();
      await done(page, 1);
      expect(offsets.length).toBe(2);
      expect(offsets[1]).toBeGreaterThan(0);
    });
    expect(stored("big.bin").equals(big)).toBe(true);
  });

  test("cancel removes what the server has of it", async () => {
    await site.visit("/upload.html", async (page) => {
      await half(page);
      await page.getByRole("button", { name: "Cancel big.bin" }).click();
      expect(await page.textContent("#news")).toBe("big.bin is cancelled.");
      expect(await page.locator(".upload").count()).toBe(0);
      await eventually(
        () => site.parts().length === 0,
        () => site.parts().join(),
      );
      await page.reload();
      expect(await page.locator("#unfinished").isVisible()).toBe(false);
    });
    expect(site.stored()).toEqual([]);
  });

  test("three at a time; the others wait for their turn", async () => {
    await site.visit("/upload.html", async (page) => {
      const names = ["a", "b", "c", "d", "e"];
      site.line.allow(1 * MB);
      await page.setInputFiles(
        "#files",
        names.map((name) => ({ name, mimeType: "", buffer: big.subarray(0, 4 * MB) })),
      );
      await inState(page, "running").nth(2).waitFor();
      expect(await inState(page, "running").count()).toBe(3);
      expect(await inState(page, "waiting").count()).toBe(2);
      site.line.allow(Number.POSITIVE_INFINITY);
      await done(page, 5);
    });
    expect(site.stored()).toEqual(["a", "b", "c", "d", "e"]);
  });
});
