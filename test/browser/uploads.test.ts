/** The upload page in a real browser: what is chosen or dropped arrives bit for bit, and what can't is told in words. */
import { afterAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Request } from "playwright-core";
import { makeFolder } from "../wire/server.ts";
import { hasBrowser } from "./browser.ts";
import { done, inState, MB, press } from "./upload-page.ts";
import { DARK, overflow, PHONE, picture, useUploadsSite } from "./uploads-site.ts";

setDefaultTimeout(60_000);

const big = randomBytes(6 * MB);
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

  beforeEach(() => site.fill({}));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const stored = (path: string): Buffer => readFileSync(join(site.store, path));

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

  test.each([
    ["/upload.html", "plain.txt"],
    ["/upload.html#/summer/", "summer/plain.txt"],
  ])("the skip link of %s does not change where files go", async (path, wanted) => {
    await site.visit(path, async (page) => {
      await press(page, "Tab");
      expect(await page.locator(":focus").textContent()).toBe("Skip to the content");
      await picture(page, "skip");
      await press(page, "Enter");
      await page.waitForURL("**/upload.html#/**");
      const [chooser] = await Promise.all([page.waitForEvent("filechooser"), press(page, "Tab", "Enter")]);
      await chooser.setFiles({ name: "plain.txt", mimeType: "", buffer: Buffer.from("plain") });
      await done(page, 1);
    });
    expect(site.stored()).toEqual([wanted]);
  });

  test("the name that a file was stored under is told where it is another", async () => {
    site.fill({ "a b.txt": "here before" });
    await site.visit("/upload.html", async (page) => {
      const names = ["a b.txt", ".hidden", "mine.txt"];
      await page.setInputFiles(
        "#files",
        names.map((name) => ({ name, mimeType: "", buffer: Buffer.from(name) })),
      );
      await done(page, 3);
      const [first, second, third] = await page.locator(".detail").allTextContents();
      expect(first).toBe("7 bytes · done, stored as a b-1.txt");
      expect(second).toMatch(/^7 bytes · done, stored as upload-\S+$/);
      expect(third).toBe("8 bytes · done");
      await picture(page, "upload-stored-as");
    });
  });

  test("hidden files of a folder are left out, and that is said", async () => {
    const holiday = join(folder, "holiday");
    mkdirSync(join(holiday, ".git"), { recursive: true });
    for (const name of ["one.txt", ".DS_Store", ".git/config"]) writeFileSync(join(holiday, name), name);
    await site.visit("/upload.html", async (page) => {
      await page.setInputFiles("#folder", holiday);
      await done(page, 1);
      expect(await page.textContent("#left-out")).toBe("2 hidden files left out.");
      await picture(page, "upload-left-out");
    });
    expect(site.stored()).toEqual(["holiday/one.txt"]);
  });

  test("of many, those that failed are counted, told at the end, and found by a button", async () => {
    await site.visit("/upload.html", async (page) => {
      const names = ["one.txt", "two.txt", "three.txt", "four.txt"];
      const isTwo = (request: Request): boolean => request.headers()["upload-metadata"]!.includes(btoa("two.txt"));
      await page.route("**/uploads/", (route) =>
        isTwo(route.request()) ? route.fulfill({ status: 413 }) : route.continue(),
      );
      await page.setInputFiles(
        "#files",
        names.map((name) => ({ name, mimeType: "", buffer: Buffer.from("x") })),
      );
      await done(page, 3);
      await inState(page, "failed").waitFor();
      expect(await page.textContent("#total")).toStartWith("1 failed · 3 of 4 files · ");
      expect(await page.textContent("#news")).toEndWith("3 files on the server, 1 failed.");
      await picture(page, "upload-failed");
      await page.getByRole("button", { name: "Go to what failed" }).click();
      expect(await page.locator(":focus").getAttribute("aria-label")).toBe("Try again two.txt");
    });
  });

  test("what others keep in the browser's storage does not stop it", async () => {
    await site.visit("/upload.html", async (page) => {
      await page.evaluate(
        "for (const text of ['no JSON', 'null', '{}', '1']) localStorage.setItem('upload ' + text, text)",
      );
      await page.reload();
      await page.setInputFiles("#files", { name: "a.txt", mimeType: "", buffer: Buffer.from("a") });
      await done(page, 1);
      expect(await page.locator("#unfinished").isVisible()).toBe(false);
    });
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
