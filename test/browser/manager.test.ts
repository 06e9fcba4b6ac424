/** The file manager in a real browser: what it shows is what is stored, and what it deletes is gone. */
import { beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { readFileSync, rmSync, utimesSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { hasBrowser } from "./browser.ts";
import { DARK, eventually, overflow, PHONE, picture, useUploadsSite } from "./uploads-site.ts";

setDefaultTimeout(60_000);

const binary = randomBytes(300_000);
const EVIL = '<img src=x onerror="document.title=1">.txt';

describe.skipIf(!hasBrowser)("the file manager in Chromium", () => {
  const site = useUploadsSite();

  beforeEach(() => {
    site.fill({
      "b.bin": binary,
      "a10.txt": "ten",
      "a9.txt": "nine!",
      "über & <b>.txt": "odd",
      "100%41.txt": "percent",
      [EVIL]: "evil",
      "folder #1/inner.txt": "inside",
      "folder #1/deep/er.txt": "deeper",
    });
    utimesSync(join(site.store, "a9.txt"), 1_000_000_000, 1_000_000_000);
  });

  const names = (page: Page): Promise<string[]> => page.locator("#rows .name").allTextContents();
  const sortBy = (page: Page, name: string): Promise<void> => page.getByRole("button", { name, exact: true }).click();
  const isStored = (name: string): boolean => site.stored().includes(name);

  /** Waits until the table shows exactly these names, in this order. */
  async function shows(page: Page, ...wanted: string[]): Promise<void> {
    const same = async (): Promise<boolean> => Bun.deepEquals(await names(page), wanted);
    await eventually(same, async () => (await names(page)).join(" | "));
  }

  const ALL = ["folder #1/", EVIL, "100%41.txt", "a9.txt", "a10.txt", "b.bin", "über & <b>.txt"];

  test("it lists folders first, then files by name as people count", async () => {
    await site.visit("/manager.html", async (page) => {
      await shows(page, ...ALL);
      expect(await page.textContent("#count")).toBe("1 folder · 6 files · 293 KiB");
      expect(await page.locator("th[data-key=name]").getAttribute("aria-sort")).toBe("ascending");
      await picture(page, "manager");
    });
  });

  test("a name is text, whatever it looks like", async () => {
    await site.visit("/manager.html", async (page) => {
      await shows(page, ...ALL);
      expect(await page.title()).toContain("Manager");
      expect(await page.locator("main img").count()).toBe(0);
    });
  });

  test("it sorts by each column, either way", async () => {
    await site.visit("/manager.html", async (page) => {
      await shows(page, ...ALL);
      await sortBy(page, "Name");
      await shows(page, "folder #1/", ...ALL.slice(1).reverse());
      await sortBy(page, "Size");
      expect((await names(page)).at(-1)).toBe("b.bin");
      await sortBy(page, "Size");
      expect((await names(page)).slice(0, 2)).toEqual(["folder #1/", "b.bin"]);
      expect(await page.locator("th[data-key=size]").getAttribute("aria-sort")).toBe("descending");
      await sortBy(page, "Modified");
      expect((await names(page))[1]).toBe("a9.txt");
    });
  });

  test("it searches while one types", async () => {
    await site.visit("/manager.html", async (page) => {
      await shows(page, ...ALL);
      await page.keyboard.press("/");
      await page.keyboard.type("ÜBER");
      await shows(page, "über & <b>.txt");
      expect(await page.textContent("#count")).toBe("1 file · 3 bytes");
      await page.fill("#search", "none of them");
      await shows(page);
      expect(await page.textContent("#empty")).toBe("No name here has that in it.");
      await page.fill("#search", "");
      await shows(page, ...ALL);
    });
  });

  test("it finds a name whose accents are apart, and shows what would turn a name round", async () => {
    site.fill({ "nfd-e\u0301.txt": "", "\u202Egpj.exe": "" });
    await site.visit("/manager.html", async (page) => {
      await shows(page, "<U+202E>gpj.exe", "nfd-e\u0301.txt");
      await page.fill("#search", "\u00C9.");
      await shows(page, "nfd-e\u0301.txt");
    });
  });

  test("the skip link leads to the content, not to another folder", async () => {
    await site.visit("/manager.html#/folder%20%231/", async (page) => {
      await shows(page, "deep/", "inner.txt");
      await page.keyboard.press("Tab");
      expect(await page.locator(":focus").textContent()).toBe("Skip to the content");
      await page.keyboard.press("Enter");
      await page.waitForURL("**/manager.html#/folder%20%231/");
      await page.keyboard.press("Tab");
      expect(await page.locator("#crumbs a:focus").textContent()).toBe("Uploads");
      await page.reload();
      await shows(page, "deep/", "inner.txt");
    });
  });

  test("folders open, and the way back is in the history and above the table", async () => {
    await site.visit("/manager.html", async (page) => {
      await page.getByRole("link", { name: "folder #1/" }).click();
      await shows(page, "deep/", "inner.txt");
      await page.getByRole("link", { name: "deep/" }).click();
      await shows(page, "er.txt");
      expect(page.url()).toEndWith("#/folder%20%231/deep/");
      expect(await page.locator("#crumbs a").allTextContents()).toEqual(["Uploads", "folder #1", "deep"]);
      expect(await page.getAttribute("#to-upload", "href")).toBe("/upload.html#/folder%20%231/deep/");
      expect(await page.title()).toBe("deep · Manager · Webserv");
      await page.reload();
      await shows(page, "er.txt");
      await page.goBack();
      await shows(page, "deep/", "inner.txt");
      await page.getByRole("link", { name: "Uploads" }).click();
      await shows(page, ...ALL);
    });
  });

  describe("while the listing of the next folder is on its way", () => {
    /** Opens the folder in a window whose listing of it does not come before `release` is called; gives `release`. */
    async function openHeld(page: Page): Promise<() => Promise<unknown>> {
      const { promise, resolve } = Promise.withResolvers<void>();
      const isHeld = (url: URL): boolean => url.pathname.startsWith("/api/uploads/folder");
      await page.route(isHeld, (route) => promise.then(() => route.continue()));
      await page.getByRole("link", { name: "folder #1/" }).click();
      await page.locator("#crumbs a").nth(1).waitFor();
      return () => {
        resolve();
        return page.waitForEvent("requestfinished", (request) => isHeld(new URL(request.url())));
      };
    }

    test("one who goes back sees the folder it is, not the one that comes late", async () => {
      await site.visit("/manager.html", async (page) => {
        await shows(page, ...ALL);
        const release = await openHeld(page);
        await page.goBack();
        await page.locator("#crumbs a").nth(1).waitFor({ state: "detached" });
        await release();
        await page.evaluate("fetch('/api/uploads/').then((reply) => reply.json())");
        await shows(page, ...ALL);
      });
    });

    test("what is deleted is the file that is shown, not one of its name in the next", async () => {
      site.fill({ "a9.txt": "this one", "folder #1/a9.txt": "not this one" });
      await site.visit("/manager.html", async (page) => {
        await shows(page, "folder #1/", "a9.txt");
        await openHeld(page);
        await page.getByRole("button", { name: "Delete a9.txt" }).click();
        await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
        await shows(page, "folder #1/");
      });
      expect(site.stored()).toEqual(["folder #1/a9.txt"]);
    });
  });

  test("what is downloaded is what is stored, bit for bit", async () => {
    await site.visit("/manager.html", async (page) => {
      for (const name of ["b.bin", "100%41.txt", "über & <b>.txt"]) {
        const link = page.getByRole("link", { name: `Download ${name}` });
        const [download] = await Promise.all([page.waitForEvent("download"), link.click()]);
        const content = readFileSync((await download.path())!);
        expect(content.equals(readFileSync(join(site.store, name)))).toBe(true);
      }
    });
  });

  test("it deletes, but only after the question was answered with yes", async () => {
    await site.visit("/manager.html", async (page) => {
      const dialog = page.getByRole("dialog", { name: "Delete this file?" });
      const ask = async (name: string): Promise<void> => {
        await page.getByRole("button", { name: `Delete ${name}` }).click();
        await dialog.waitFor();
        expect(await page.textContent("#victim")).toBe(name);
      };
      await ask("b.bin");
      await picture(page, "manager-question");
      await page.getByRole("button", { name: "Keep it" }).click();
      await dialog.waitFor({ state: "hidden" });
      await ask("b.bin");
      await page.keyboard.press("Escape");
      await dialog.waitFor({ state: "hidden" });
      expect(isStored("b.bin")).toBe(true);
      for (const name of ["b.bin", EVIL, "100%41.txt"]) {
        await ask(name);
        await dialog.getByRole("button", { name: "Delete" }).click();
        await eventually(
          async () => !(await names(page)).includes(name),
          async () => (await names(page)).join(" | "),
        );
        expect(isStored(name)).toBe(false);
      }
      await page.reload();
      await shows(page, "folder #1/", "a9.txt", "a10.txt", "über & <b>.txt");
    });
  });

  test("it is deleted by keyboard alone, and the focus stays in the table", async () => {
    await site.visit("/manager.html", async (page) => {
      await shows(page, ...ALL);
      await page.locator("#rows .name").first().focus();
      for (const key of ["ArrowDown", "ArrowDown", "ArrowDown", "ArrowDown", "ArrowUp"]) await page.keyboard.press(key);
      expect(await page.locator("#rows .name:focus").textContent()).toBe("a9.txt");
      await page.keyboard.press("Delete");
      await page.getByRole("dialog").waitFor();
      // The focus is on "Keep it": Enter alone deletes nothing.
      await page.keyboard.press("Enter");
      await page.getByRole("dialog").waitFor({ state: "hidden" });
      expect(await page.locator("#rows .name:focus").textContent()).toBe("a9.txt");
      await page.keyboard.press("Delete");
      await page.keyboard.press("Tab");
      await page.keyboard.press("Enter");
      await shows(page, ...ALL.filter((name) => name !== "a9.txt"));
      expect(await page.locator("#rows .name:focus").textContent()).toBe("a10.txt");
      await page.keyboard.press("ArrowUp");
      await page.keyboard.press("ArrowUp");
      await page.keyboard.press("ArrowUp");
      // A folder is not deleted.
      await page.keyboard.press("Delete");
      expect(await page.getByRole("dialog").isVisible()).toBe(false);
      await page.keyboard.press("Enter");
      await shows(page, "deep/", "inner.txt");
    });
    expect(isStored("a9.txt")).toBe(false);
  });

  test("a file that is gone meanwhile is told, and leaves the table", async () => {
    await site.visit("/manager.html", async (page) => {
      await shows(page, ...ALL);
      rmSync(join(site.store, "b.bin"));
      await page.getByRole("button", { name: "Delete b.bin" }).click();
      await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
      await page.getByRole("alert").getByText("b.bin was gone already.").waitFor();
      await shows(page, ...ALL.filter((name) => name !== "b.bin"));
      await page.getByRole("button", { name: "Refresh" }).click();
      await eventually(
        async () => (await page.textContent("#problem")) === "",
        async () => (await page.textContent("#problem"))!,
      );
      await shows(page, ...ALL.filter((name) => name !== "b.bin"));
    });
  });

  test("an empty store, a missing folder and a server that is away are three different things", async () => {
    site.fill({});
    await site.visit("/manager.html", async (page) => {
      await page.getByText("Nothing here yet.").waitFor();
      expect(await page.locator("table").isVisible()).toBe(false);
      await picture(page, "manager-empty");
    });
    await site.visit("/manager.html#/none/", async (page) => {
      await page.getByRole("alert").getByText("There is no such folder.").waitFor();
      expect(await page.locator("#empty").isVisible()).toBe(false);
      await page.route("**/api/**", (route) => route.abort());
      await page.getByRole("button", { name: "Refresh" }).click();
      await page.getByRole("alert").getByText("The server does not answer.").waitFor();
      await picture(page, "manager-error");
    });
  });

  test("of a thousand files the first five hundred are drawn, and all of them when asked", async () => {
    site.fill(Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`file ${i}.txt`, "x"])));
    await site.visit("/manager.html", async (page) => {
      await page.getByText("1000 files · 1.0 KiB · the first 500 are shown").waitFor();
      expect((await names(page)).length).toBe(500);
      await page.getByRole("button", { name: "Show all" }).click();
      expect((await names(page)).at(-1)).toBe("file 999.txt");
    });
  });

  test("without JavaScript it leads to the server's own listing", async () => {
    await site.visit(
      "/manager.html",
      async (page) => {
        await page.getByRole("link", { name: "The server’s own listing" }).click();
        await page.getByRole("link", { name: "a9.txt" }).click();
        expect(await page.textContent("body")).toBe("nine!");
      },
      { javaScriptEnabled: false },
    );
  });

  test.each([PHONE, DARK])("fits a phone: %j", async (options) => {
    site.fill({ [`${"long".repeat(40)}.txt`]: "x", "two words.txt": new Uint8Array(999), "folder/file": "z" });
    await site.visit(
      "/manager.html",
      async (page) => {
        await page.locator("#rows tr").nth(2).waitFor();
        await picture(page, `manager-phone${options === DARK ? "-dark" : ""}`);
        expect(await overflow(page)).toBeLessThanOrEqual(0);
      },
      options,
    );
  });
});
