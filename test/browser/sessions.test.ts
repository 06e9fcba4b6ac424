/** The session page in a real browser: it counts, it remembers a name, and it still knows both when the server is another. */
import { beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { Page } from "playwright-core";
import { hasBrowser } from "./browser.ts";
import { DARK, overflow, PHONE, picture, useUploadsSite } from "./uploads-site.ts";

setDefaultTimeout(60_000);

describe.skipIf(!hasBrowser)("the session page in Chromium", () => {
  const site = useUploadsSite();
  beforeEach(() => (site.line.isDown = false));

  const greets = (page: Page, text: string): Promise<void> => page.getByText(text, { exact: true }).waitFor();

  async function callMe(page: Page, name: string): Promise<void> {
    await page.getByLabel("Your name").fill(name);
    await page.keyboard.press("Enter");
  }

  test("it counts the visits and remembers a name, for each visitor their own", async () => {
    await site.visit("/session.html", async (page) => {
      await greets(page, "This is your first visit.");
      await page.reload();
      await greets(page, "You have been here 2 times.");
      await callMe(page, "Ada <b>");
      await greets(page, "Hello, Ada <b>! You have been here 2 times.");
      await page.reload();
      await greets(page, "Hello, Ada <b>! You have been here 3 times.");
      expect(JSON.parse((await page.textContent("#data"))!)).toEqual({ visits: 3, name: "Ada <b>" });
      await picture(page, "session");
    });
    await site.visit("/session.html", (page) => greets(page, "This is your first visit."));
  });

  test("a name of spaces is none", async () => {
    await site.visit("/session.html", async (page) => {
      await callMe(page, "Ada");
      await greets(page, "Hello, Ada! This is your first visit.");
      await callMe(page, "   ");
      await greets(page, "This is your first visit.");
    });
  });

  test("its cookie is out of reach for scripts", async () => {
    await site.visit("/session.html", async (page) => {
      await greets(page, "This is your first visit.");
      const [cookie] = await page.context().cookies();
      expect(cookie).toMatchObject({ name: "sid", httpOnly: true, sameSite: "Lax", path: "/" });
      expect(await page.evaluate<string>("document.cookie")).toBe("");
    });
  });

  test("it is kept while the server stops and another one starts", async () => {
    await site.visit("/session.html", async (page) => {
      await callMe(page, "Grace");
      await greets(page, "Hello, Grace! This is your first visit.");
      const before = await page.context().cookies();
      await site.restart("SIGTERM");
      await page.reload();
      await greets(page, "Hello, Grace! You have been here 2 times.");
      expect((await page.context().cookies())[0]!.value).toBe(before[0]!.value);
    });
  });

  test("forgotten is forgotten: the next visit is the first, with another id", async () => {
    await site.visit("/session.html", async (page) => {
      await callMe(page, "Linus");
      await greets(page, "Hello, Linus! This is your first visit.");
      const [before] = await page.context().cookies();
      await page.getByRole("button", { name: "Forget me" }).click();
      await greets(page, "You are forgotten. The next visit is the first.");
      await page.reload();
      await greets(page, "This is your first visit.");
      const [after] = await page.context().cookies();
      expect(after!.value).not.toBe(before!.value);
    });
  });

  test("an id the server did not issue is replaced", async () => {
    await site.visit("/session.html", async (page) => {
      await greets(page, "This is your first visit.");
      const forged = "0".repeat((await page.context().cookies())[0]!.value.length);
      await page.context().addCookies([{ name: "sid", value: forged, url: site.home }]);
      await page.reload();
      await greets(page, "This is your first visit.");
      expect((await page.context().cookies())[0]!.value).not.toBe(forged);
    });
  });

  test("what goes wrong is told", async () => {
    await site.visit("/session.html", async (page) => {
      await greets(page, "This is your first visit.");
      site.line.cut(true);
      await callMe(page, "Nobody");
      await page.getByRole("alert").getByText("The server does not answer.").waitFor();
      site.line.isDown = false;
      await callMe(page, "Somebody");
      await greets(page, "Hello, Somebody! This is your first visit.");
      expect(await page.textContent("#problem")).toBe("");
    });
  });

  test("without JavaScript it leads to the data itself", async () => {
    await site.visit(
      "/session.html",
      async (page) => {
        await page.getByRole("link", { name: "Your session as JSON" }).click();
        expect(JSON.parse((await page.textContent("body"))!)).toEqual({});
      },
      { javaScriptEnabled: false },
    );
  });

  test.each([PHONE, DARK])("fits a phone: %j", async (options) => {
    await site.visit(
      "/session.html",
      async (page) => {
        await greets(page, "This is your first visit.");
        await picture(page, `session-phone${options === DARK ? "-dark" : ""}`);
        expect(await overflow(page)).toBeLessThanOrEqual(0);
      },
      options,
    );
  });
});
