/** The demonstration site, as conf/default.conf serves it, in a real browser. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { ServerProcess } from "../wire/server.ts";
import { copyOfTheSite } from "../wire/site.ts";
import { hasBrowser, launch } from "./browser.ts";

setDefaultTimeout(60_000);

/** Links of the home page that lead to an error on purpose. */
const MEANT: Record<string, number> = {
  "/no/such/page": 404,
  "/private/secret.txt": 403,
  "/members/": 401,
  "/broken": 503,
  "/gone": 410,
  "/docs/anything": 404,
};

/** Pictures of the pages go here when SCREENSHOTS names a folder, to be looked at. */
const pictures = process.env.SCREENSHOTS;

describe.skipIf(!hasBrowser)("the demonstration site in Chromium", () => {
  let browser: Browser;
  let server: ServerProcess;
  let folder: string;
  let home: string;

  beforeAll(async () => {
    const site = await copyOfTheSite();
    folder = site.folder;
    home = `http://127.0.0.1:${site.ports.get(8080)}`;
    server = new ServerProcess({ file: join(folder, "conf/default.conf"), prefix: folder });
    await server.start();
    browser = await launch();
  });
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Opens a page of the site in a browser window of its own, gives it to `use`, and closes it. */
  async function visit<T>(
    path: string,
    use: (page: Page) => Promise<T>,
    options: BrowserContextOptions = {},
  ): Promise<T> {
    const context = await browser.newContext(options);
    try {
      const page = await context.newPage();
      await page.goto(home + path);
      return await use(page);
    } finally {
      await context.close();
    }
  }

  async function picture(page: Page, name: string): Promise<void> {
    if (pictures === undefined) return;
    mkdirSync(pictures, { recursive: true });
    await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });
  }

  /** How far a page is wider than its window, in pixels. */
  const overflow = (page: Page): Promise<number> =>
    page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth");

  test("the home page comes with everything it needs", async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("response", (reply) => reply.status() >= 400 && complaints.push(`${reply.status()} ${reply.url()}`));
    await page.goto(`${home}/`, { waitUntil: "networkidle" });
    expect(await page.title()).toContain("Webserv");
    expect(await page.textContent("#origin")).toBe(home);
    expect(complaints).toEqual([]);
    await picture(page, "home");
    await context.close();
  });

  test("every link of the home page works", async () => {
    await visit("/", async (page) => {
      const links: string[] = await page.$$eval("a[href]", (all) => all.map((link) => link.getAttribute("href") ?? ""));
      const paths = [...new Set(links.map((link) => link.split("#", 1)[0]!))].filter((path) => path.startsWith("/"));
      expect(paths.length).toBeGreaterThan(30);
      const wrong: string[] = [];
      for (const path of paths) {
        // The browser saves a CSV file and asks for a password instead of showing them, so their status is asked for without showing.
        const reply =
          path.endsWith(".csv") || path === "/members/"
            ? await page.request.get(home + path)
            : await page.goto(home + path);
        const status = reply?.status() ?? 0;
        if (status !== (MEANT[path] ?? 200)) wrong.push(`${path}: ${status}`);
      }
      expect(wrong).toEqual([]);
    });
  });

  test("redirects lead where they say", async () => {
    const rows: [path: string, end: string][] = [
      ["/old/page", "/about/"],
      ["/item/42", "/hello?item=42"],
      ["/about?from=home", "/about/?from=home"],
      ["/go/permanent", "/about/"],
    ];
    for (const [path, end] of rows) {
      expect(await visit(path, async (page) => page.url())).toBe(home + end);
    }
  });

  test("virtual hosts and the second port show their own sites", async () => {
    const rows: [path: string, heading: string][] = [
      ["/to/alpha", "This is alpha"],
      ["/to/beta", "This is beta"],
      ["/to/anyone", "Somebody else"],
      ["/to/second-port", "The second port"],
    ];
    for (const [path, heading] of rows) {
      expect(await visit(path, (page) => page.textContent("h1"))).toBe(heading);
    }
    expect(await visit("/to/user", (page) => page.textContent("body"))).toContain("The site of ada");
  });

  test("a missing page is the site's own, with its style", async () => {
    await visit("/no/such/page", async (page) => {
      expect(await page.textContent("h1")).toBe("There is no such page");
      expect(await page.evaluate("getComputedStyle(document.querySelector('.number')).fontWeight")).toBe("700");
      await picture(page, "404");
      await page.click("text=To the home page");
      expect(page.url()).toBe(`${home}/`);
    });
  });

  test("the listing sorts by a click", async () => {
    await visit("/files/", async (page) => {
      const names = (): Promise<string[]> =>
        page.$$eval("tbody tr", (rows) => rows.map((row) => row.querySelector("a")?.textContent?.trim() ?? ""));
      const files = async (): Promise<string[]> => (await names()).filter((name) => /\.\w+$/.test(name));
      const before = await files();
      expect(before.length).toBeGreaterThan(5);
      expect(before).toContain("a & b <c>.txt");
      await picture(page, "listing");
      const size = page.locator("thead").getByText(/size/i);
      await size.click();
      const once = await files();
      await size.click();
      const twice = await files();
      expect([...once].sort()).toEqual([...before].sort());
      expect([once[0], twice[0]]).toContain("squares.txt");
      expect(once).not.toEqual(twice);
    });
  });

  test("a click on a name in the listing opens the file", async () => {
    for (const name of ["a name with spaces.txt", "übungen.txt", "a & b <c>.txt"]) {
      await visit("/files/", async (page) => {
        const [reply] = await Promise.all([
          page.waitForResponse(/files\/.+/),
          page.getByRole("link", { name }).click(),
        ]);
        expect(reply.status()).toBe(200);
      });
    }
  });

  test("the examples of the request page get their answers", async () => {
    const rows: [name: string, status: string][] = [
      ["range", "206"],
      ["ranges", "206"],
      ["beyond", "416"],
      ["fresh", "304"],
      ["since", "304"],
      ["match", "412"],
      ["method", "405"],
      ["options", "204"],
      ["large", "413"],
      ["put", "201"],
      ["put", "204"],
      ["delete", "204"],
      ["delete", "404"],
      ["session", "200"],
      ["head", "200"],
      ["gzip", "200"],
    ];
    for (const [name, status] of rows) {
      await visit(`/try.html#${name}`, async (page) => {
        await page.waitForFunction("/^\\d{3}/.test(document.querySelector('#status').textContent)");
        expect(await page.textContent("#status")).toStartWith(status);
        if (name === "range") await picture(page, "try");
      });
    }
  });

  test("a reload asks whether the page is still good, and it is", async () => {
    await visit("/about/", async (page) => {
      const [reply] = await Promise.all([page.waitForResponse(`${home}/about/`), page.reload()]);
      expect([200, 304]).toContain(reply.status());
      expect(await page.textContent("h1")).toBe("The life of a request");
    });
  });

  test("a file is uploaded, listed, opened and deleted", async () => {
    await visit("/", async (page) => {
      await page.getByRole("link", { name: "Upload a file" }).click();
      await page.setInputFiles("#files", { name: "a b.txt", mimeType: "", buffer: Buffer.from("from the browser") });
      await page.locator('[data-state="done"]').waitFor();
      await page.getByRole("link", { name: "See the files" }).click();
      await page.getByRole("link", { name: "a b.txt", exact: true }).click();
      expect(await page.textContent("body")).toBe("from the browser");
      await page.goBack();
      await page.getByRole("button", { name: "Delete a b.txt" }).click();
      await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
      await page.getByText("Nothing here yet.").waitFor();
      expect((await page.goto(`${home}/uploads/a%20b.txt`))?.status()).toBe(404);
      expect(await page.textContent("h1")).toBe("There is no such page");
      expect(await page.evaluate("getComputedStyle(document.querySelector('.number')).fontWeight")).toBe("700");
    });
  });

  test("what was uploaded can't run scripts here", async () => {
    await visit("/upload.html", async (page) => {
      const evil = Buffer.from("<!doctype html><title>quiet</title><script>document.title = 'loud'</script>");
      await page.setInputFiles("#files", { name: "evil.html", mimeType: "text/html", buffer: evil });
      await page.getByRole("link", { name: "evil.html" }).click();
      await page.waitForURL("**/uploads/evil.html");
      expect(await page.title()).toBe("quiet");
    });
  });

  test("the listing of what was uploaded sorts by a click, without a complaint of the browser", async () => {
    await visit("/upload.html", async (page) => {
      const file = (name: string): { name: string; mimeType: string; buffer: Buffer } => {
        return { name, mimeType: "", buffer: Buffer.from(name) };
      };
      await page.setInputFiles("#files", ["alpha.txt", "omega.txt"].map(file));
      await page.locator('[data-state="done"]').nth(1).waitFor();
      const complaints: string[] = [];
      page.on("console", (message) => complaints.push(message.text()));
      await page.goto(`${home}/uploads/`, { waitUntil: "networkidle" });
      const last = page.locator("tbody:last-of-type tr:last-child a");
      expect(await last.textContent()).toBe("omega.txt");
      await page.getByRole("button", { name: "Name" }).click();
      expect(await last.textContent()).not.toBe("omega.txt");
      expect(complaints).toEqual([]);
    });
  });

  test("the pages' own scripts run under a strict policy", async () => {
    for (const path of ["/upload.html", "/manager.html", "/session.html"]) {
      const policy = await visit(path, async (page) => {
        const reply = await page.reload();
        return reply!.headerValue("Content-Security-Policy");
      });
      expect(policy).toBe("default-src 'self'");
    }
    await visit("/session.html", (page) => page.getByText("This is your first visit.").waitFor());
  });

  const pages = ["/", "/try.html", "/about/", "/gallery.html", "/upload.html", "/manager.html", "/session.html"];
  describe.each([...pages, "/files/", "/none", "/gone", "/app/x"])("%s", (path) => {
    const name = path.replaceAll(/\W+/g, "-").replace(/^-|-$/g, "") || "home";

    test("fits a phone", async () => {
      await visit(
        path,
        async (page) => {
          await picture(page, `${name}-phone`);
          expect(await overflow(page)).toBeLessThanOrEqual(0);
        },
        { viewport: { width: 320, height: 740 } },
      );
    });

    test("is dark in the dark, light in the light", async () => {
      // The red of what is painted behind the page: body, else html, else the browser's own canvas.
      const shade = (page: Page): Promise<number> =>
        page.evaluate(`(() => {
          const probe = document.body.appendChild(document.createElement("div"));
          probe.style.background = "Canvas";
          const painted = [document.body, document.documentElement, probe].map((e) => getComputedStyle(e).backgroundColor);
          return Number(/\\d+/.exec(painted.find((colour) => colour !== "rgba(0, 0, 0, 0)"))[0]);
        })()`);
      expect(await visit(path, shade, { colorScheme: "light" })).toBeGreaterThan(180);
      const dark = async (page: Page): Promise<number> => {
        await picture(page, `${name}-dark`);
        return shade(page);
      };
      expect(await visit(path, dark, { colorScheme: "dark" })).toBeLessThan(70);
    });
  });
});
