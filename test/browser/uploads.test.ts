/** The upload page in a real browser: whatever breaks on the way, the file arrives whole or not at all. */
import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Locator, Page } from "playwright-core";
import { makeFolder } from "../wire/server.ts";
import { hasBrowser } from "./browser.ts";
import { DARK, eventually, overflow, PHONE, picture, useUploadsSite } from "./uploads-site.ts";

const MB = 1 << 20;
const big = randomBytes(24 * MB);
const hundred = Object.fromEntries(Array.from({ length: 120 }, (_, i) => [`album/many/${i}.txt`, `file ${i}`]));

describe.skipIf(!hasBrowser)("the upload page in Chromium", () => {
  const site = useUploadsSite();
  const folder = makeFolder({
    "big.bin": big,
    "album/cover.txt": "the cover",
    "album/deep/er/1.bin": big.subarray(0, 99),
    ...hundred,
  });
  const bigFile = join(folder, "big.bin");

  beforeEach(() => {
    site.fill({});
    site.line.isDown = false;
    site.line.allow(Number.POSITIVE_INFINITY);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const inState = (page: Page, state: string): Locator => page.locator(`.upload[data-state="${state}"]`);
  const stored = (path: string): Buffer => readFileSync(join(site.store, path));
  const sent = (page: Page): Promise<number> =>
    page
      .locator("progress")
      .first()
      .evaluate((bar) => bar.value);

  async function done(page: Page, count: number): Promise<void> {
    const all = (): Promise<string[]> => page.locator(".upload").allInnerTexts();
    await eventually(
      async () => (await inState(page, "done").count()) === count,
      async () => (await all()).join(" | "),
    );
  }

  /** Waits until the bar shows more than `value`; gives what it shows. */
  async function more(page: Page, value: number): Promise<number> {
    await eventually(
      async () => (await sent(page)) > value,
      async () => `still ${await sent(page)}`,
    );
    return sent(page);
  }

  /** Offsets at which a PATCH began, as they happen. */
  function patches(page: Page): number[] {
    const offsets: number[] = [];
    page.on("request", (request) => {
      if (request.method() === "PATCH") offsets.push(Number(request.headers()["upload-offset"]));
    });
    return offsets;
  }

  /** Presses keys; what was asked of the browser before, such as to tell of a picker, has then been done. */
  async function press(page: Page, ...keys: string[]): Promise<void> {
    await page.title();
    for (const key of keys) await page.keyboard.press(key);
  }

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

  test("files are chosen and arrive bit for bit, whatever their names", async () => {
    const files = {
      "plain.txt": Buffer.from("plain"),
      "empty.txt": Buffer.alloc(0),
      "übung – 1 & 2.bin": big.subarray(0, 3 * MB),
      "<img src=x onerror=alert(1)>.txt": Buffer.from("not a picture"),
      "100%41.txt": Buffer.from("percent"),
    };
    await site.visit("/upload.html", async (page) => {
      const chosen = Object.entries(files).map(([name, buffer]) => ({ name, mimeType: "", buffer }));
      await page.setInputFiles("#files", chosen);
      await done(page, chosen.length);
      expect(await page.textContent("#news")).toBe("Everything is on the server: 5 files.");
      expect(await page.locator("img:not([alt])").count()).toBe(0);
      for (const [name, content] of Object.entries(files)) {
        expect(stored(name).equals(content)).toBe(true);
        const link = await page.getByRole("link", { name, exact: true }).getAttribute("href");
        expect((await (await page.request.get(site.home + link)).body()).equals(content)).toBe(true);
      }
      await picture(page, "upload-done");
    });
    expect(site.stored()).toEqual(Object.keys(files).sort());
    expect(site.parts()).toEqual([]);
  });

  test("files chosen before the script has come are sent when it comes", async () => {
    await site.visit("/404.html", async (page) => {
      let release = (): void => {};
      const asked = new Promise<void>((resolve) => (release = resolve));
      await page.route("**/tus.js", async (route) => {
        await asked;
        await route.continue();
      });
      await page.goto(`${site.home}/upload.html`, { waitUntil: "commit" });
      await page.setInputFiles("#files", { name: "early.txt", mimeType: "", buffer: Buffer.from("early") });
      release();
      await done(page, 1);
    });
    expect(stored("early.txt").toString()).toBe("early");
  });

  test("a folder is chosen and arrives with its folders", async () => {
    await site.visit("/upload.html", async (page) => {
      await page.setInputFiles("#folder", join(folder, "album"));
      await done(page, 122);
    });
    expect(site.stored()).toEqual([...Object.keys(hundred), "album/cover.txt", "album/deep/er/1.bin"].sort());
    expect(stored("album/deep/er/1.bin").equals(big.subarray(0, 99))).toBe(true);
  });

  test("files are dropped onto the page", async () => {
    await site.visit("/upload.html", async (page) => {
      const transfer = await page.evaluateHandle(`(() => {
        const transfer = new DataTransfer();
        for (const name of ["one.txt", "two.txt"]) transfer.items.add(new File(["dropped " + name], name));
        return transfer;
      })()`);
      await page.dispatchEvent("#drop", "dragover", { dataTransfer: transfer });
      expect(await page.getAttribute("#drop", "class")).toContain("over");
      await page.dispatchEvent("#drop", "drop", { dataTransfer: transfer });
      await done(page, 2);
      expect(await page.getAttribute("#drop", "class")).not.toContain("over");
    });
    expect(stored("one.txt").toString()).toBe("dropped one.txt");
    expect(site.stored()).toEqual(["one.txt", "two.txt"]);
  });

  test("a folder and a file are dropped together, as a hand would", async () => {
    await site.visit("/upload.html", async (page) => {
      const { x, y } = (await page.locator("#drop").boundingBox())!;
      const files = [join(folder, "album"), bigFile];
      const tools = await page.context().newCDPSession(page);
      for (const type of ["dragEnter", "dragOver", "drop"] as const) {
        const data = { items: [], files, dragOperationsMask: 1 };
        await tools.send("Input.dispatchDragEvent", { type, x: x + 20, y: y + 20, data });
      }
      await done(page, 123);
    });
    expect(site.stored()).toContain("album/deep/er/1.bin");
    expect(stored("big.bin").equals(big)).toBe(true);
    expect(site.stored().length).toBe(123);
  });

  test("progress moves with what is sent, with a rate and the time left", async () => {
    await site.visit("/upload.html", async (page) => {
      site.line.allow(2 * MB);
      await page.setInputFiles("#files", bigFile);
      const seen = [await more(page, 0)];
      while (seen.at(-1)! < 0.9) {
        site.line.allow(3 * MB);
        seen.push(await more(page, seen.at(-1)!));
        const text = await page.locator(".detail").first().textContent();
        if (seen.length === 3) {
          expect(text).toMatch(/^\d+ % of 24 MiB/);
          await picture(page, "upload-progress");
        }
      }
      expect(seen.length).toBeGreaterThan(3);
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
      site.line.allow(Number.POSITIVE_INFINITY);
      await done(other, 1);
      expect(offsets.length).toBe(1);
      expect(offsets[0]).toBeGreaterThan(0);
    });
    expect(site.stored()).toEqual(["big.bin"]);
    expect(stored("big.bin").equals(big)).toBe(true);
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

  test.each([
    [403, "may not store files"],
    [404, "no place for uploads"],
    [409, "a file of this name already"],
    [413, "larger than the server takes"],
    [507, "disk is full"],
    [418, "answered 418"],
  ])("%i is told in words, and can be tried again", async (status, words) => {
    await site.visit("/upload.html", async (page) => {
      await page.route("**/uploads/", (route) => route.fulfill({ status }));
      await page.setInputFiles("#files", { name: "a.txt", mimeType: "", buffer: Buffer.from("a") });
      await inState(page, "failed").waitFor();
      expect(await page.locator(".detail").textContent()).toContain(words);
      expect(await page.textContent("#news")).toContain(words);
      await page.unroute("**/uploads/");
      await page.getByRole("button", { name: "Try again a.txt" }).click();
      await done(page, 1);
    });
    expect(site.stored()).toEqual(["a.txt"]);
  });

  test("a file above the limit is refused by the server itself, and nothing of it is kept", async () => {
    const large = join(makeFolder({ "large.bin": { size: 101 * MB } }), "large.bin");
    await site.visit("/upload.html", async (page) => {
      await page.setInputFiles("#files", large);
      await inState(page, "failed").waitFor();
      expect(await page.locator(".detail").textContent()).toContain("larger than the server takes");
    });
    rmSync(join(large, ".."), { recursive: true });
    expect(site.parts()).toEqual([]);
  });

  test("into a folder that the address names", async () => {
    await site.visit("/upload.html#summer/2%20days/", async (page) => {
      expect(await page.textContent("#into")).toBe("Into the folder summer/2 days");
      await page.setInputFiles("#files", { name: "a.txt", mimeType: "", buffer: Buffer.from("a") });
      await done(page, 1);
    });
    expect(site.stored()).toEqual(["summer/2 days/a.txt"]);
  });

  test("without JavaScript the form uploads, and the answer is a page with links", async () => {
    await site.visit(
      "/upload.html",
      async (page) => {
        await picture(page, "upload-plain");
        expect(await page.locator("#choose-files").isVisible()).toBe(false);
        await page.setInputFiles("#files", [bigFile, join(folder, "album/cover.txt")]);
        const [reply] = await Promise.all([page.waitForResponse(/uploads/), page.click("#send")]);
        expect(reply.status()).toBe(201);
        await page.getByRole("link", { name: "cover.txt" }).click();
        expect(await page.textContent("body")).toBe("the cover");
      },
      { javaScriptEnabled: false },
    );
    expect(site.stored()).toEqual(["big.bin", "cover.txt"]);
    expect(stored("big.bin").equals(big)).toBe(true);
  });

  test("by keyboard: the first button opens the picker", async () => {
    await site.visit("/upload.html", async (page) => {
      await page.locator("main").evaluate((main) => main.setAttribute("tabindex", "-1"));
      await page.locator("main").focus();
      const [chooser] = await Promise.all([page.waitForEvent("filechooser"), press(page, "Tab", "Enter")]);
      expect(chooser.isMultiple()).toBe(true);
      await chooser.setFiles(join(folder, "album/cover.txt"));
      await done(page, 1);
    });
  });

  test("a redirected address leads to it; a wrong one to the site's own page", async () => {
    await site.visit("/go/upload", async (page) => {
      expect(page.url()).toBe(`${site.home}/upload.html`);
      expect(await page.textContent("h1")).toBe("Upload");
    });
    await site.visit("/uploads/none.txt", async (page) => {
      expect(await page.textContent("h1")).toBe("There is no such page");
    });
  });

  test.each([PHONE, DARK])("fits a phone: %j", async (options) => {
    await site.visit(
      "/upload.html",
      async (page) => {
        await page.setInputFiles("#files", {
          name: `${"long".repeat(30)}.txt`,
          mimeType: "",
          buffer: Buffer.from("a"),
        });
        await done(page, 1);
        await picture(page, `upload-phone${options === DARK ? "-dark" : ""}`);
        expect(await overflow(page)).toBeLessThanOrEqual(0);
      },
      options,
    );
  });
});
