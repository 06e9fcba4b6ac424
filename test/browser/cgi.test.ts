/** The demonstration's programs in a real browser: what they show, what they take, and what is said where one cannot run. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeFolder, until } from "../wire/server.ts";
import { hasBrowser } from "./browser.ts";
import { useDemonstration } from "./programs-site.ts";
import { DARK, overflow, PHONE, picture } from "./uploads-site.ts";

setDefaultTimeout(60_000);

/** What the programs' first lines ask for. */
const INTERPRETERS = ["sh", "python3", "perl", "php-cgi", "bun"] as const;
const has = (name: (typeof INTERPRETERS)[number]): boolean => Bun.which(name) !== null;

/** A text that breaks a page which does not escape it. */
const EVIL = `<b>"bold"</b> & 'ünïcode' <script>document.title = "loud"</script>`;

describe.skipIf(!hasBrowser)("programs in Chromium", () => {
  const site = useDemonstration();

  test("the page says where each interpreter was found", async () => {
    await site.visit("/cgi.html", async (page) => {
      await page.locator("[data-needs] > :text('by /')").first().waitFor();
      for (const name of INTERPRETERS) {
        const path = Bun.which(name);
        const expected = path === null ? `${name} is not on this machine.` : `by ${path}`;
        const cards = await page.locator(`[data-needs="${name}"]`).allTextContents();
        for (const card of cards) expect(card).toContain(expected);
        expect(cards.length).toBeGreaterThan(0);
      }
      await picture(page, "programs");
    });
  });

  test("every link of the page works, where its program has an interpreter", async () => {
    await site.visit("/cgi.html", async (page) => {
      const links: string[] = [];
      for (const name of INTERPRETERS.filter(has)) {
        const hrefs = page.locator(`[data-needs="${name}"] a:not([href^="#"], [href$="counter.sh"])`);
        links.push(...(await hrefs.evaluateAll((all) => all.map((link) => link.getAttribute("href") ?? ""))));
      }
      expect(links.length).toBeGreaterThan(1); // those of /bin/sh, which is everywhere
      const wrong: string[] = [];
      for (const link of links) {
        const status = (await page.goto(site.home + link))?.status();
        if (status !== 200) wrong.push(`${link}: ${status}`);
      }
      expect(wrong).toEqual([]);
    });
  });

  test("a program is told the path behind it and the query, and shows them as text", async () => {
    await site.visit(`/cgi-bin/env.sh/a/${encodeURIComponent(EVIL)}?q=${EVIL.slice(0, 3)}`, async (page) => {
      expect(await page.title()).toBe("The environment of a program · Webserv");
      const lines = (await page.locator("pre").textContent())!.split("\n");
      expect(lines).toContain(`PATH_INFO=/a/${EVIL}`);
      expect(lines).toContain("QUERY_STRING=q=%3Cb%3E");
      expect(lines).toContain("SCRIPT_NAME=/cgi-bin/env.sh");
      expect(lines).toContain("GATEWAY_INTERFACE=CGI/1.1");
      await picture(page, "environment");
    });
  });

  test("a slow reply is seen while it comes", async () => {
    await site.visit("/cgi.html", async (page) => {
      await page.getByRole("button", { name: "Count to ten" }).click();
      const output = page.locator("#count-output");
      await output.getByText("1 of 10, at").waitFor();
      expect(await output.textContent()).not.toContain("10 of 10");
      await output.getByText("10 of 10, at").waitFor();
      const lines = (await output.textContent())!.trim().split("\n");
      expect(lines.map((line) => Number.parseInt(line, 10))).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    });
  });

  test.skipIf(!has("python3"))("forms come as they were filled in, a file too", async () => {
    await site.visit("/cgi.html", async (page) => {
      await page.getByLabel("A text").first().fill(EVIL);
      await page.getByRole("button", { name: "Send urlencoded" }).click();
      await page.getByText("1 field came by POST, urlencoded.").waitFor();
      expect(await page.locator("tbody td").allInnerTexts()).toEqual([EVIL]);
      await picture(page, "form");
      await page.getByRole("link", { name: "Send another" }).click();
      await page.getByLabel("A text").nth(1).fill(EVIL);
      const file = { name: "<ü>.bin", mimeType: "", buffer: Buffer.from([0, 13, 10, 13, 45, 45, 10, 255]) };
      await page.locator('input[name="file"]').setInputFiles(file);
      await page.getByRole("button", { name: "Send as multipart" }).click();
      await page.getByText("2 fields came by POST, as multipart/form-data.").waitFor();
      expect(await page.locator("tbody td").allInnerTexts()).toEqual([EVIL, "the file “<ü>.bin” of 8 bytes"]);
      expect(await page.title()).toBe("A form's echo · Webserv");
    });
  });

  test.skipIf(!has("python3"))("an upload through a program arrives whole", async () => {
    await site.visit("/cgi.html", async (page) => {
      const bytes = Buffer.alloc(20_000_000, "0123456789abcdef!");
      await page.setInputFiles("#file", { name: "big.bin", mimeType: "", buffer: bytes });
      await page.getByRole("button", { name: "Send it" }).click();
      await page.getByText("The same as here.").waitFor();
      const digest = new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
      expect(await page.locator("#upload-output").textContent()).toStartWith(`20000000 bytes\nSHA-256 ${digest}\n`);
    });
  });

  test.skipIf(!has("python3"))("a chart has a bar for each number", async () => {
    await site.visit(`/cgi-bin/chart.py?title=${encodeURIComponent(EVIL)}&one=1&two=2&four=4`, async (page) => {
      expect(await page.locator("text").first().textContent()).toStartWith(EVIL.slice(0, 20));
      const widths = await page
        .locator("rect[x]")
        .evaluateAll((bars) => bars.map((bar) => Number(bar.getAttribute("width"))));
      expect(widths.map((width) => width / widths[0]!)).toEqual([1, 2, 4]);
    });
  });

  test.skipIf(!has("python3"))("a program remembers by the server's session", async () => {
    await site.visit("/cgi-bin/session.py", async (page) => {
      await page.getByText("Views of this page: 1.").waitFor();
      await page.getByLabel("Your favourite colour").fill(EVIL.slice(0, 40));
      await page.keyboard.press("Enter");
      await page.getByText("Views of this page: 2.").waitFor();
      expect(await page.textContent("h1")).toBe(`You like ${EVIL.slice(0, 40)}`);
      await page.goto(`${site.home}/cgi-bin/session.py`);
      await page.getByText("Views of this page: 3.").waitFor();
      expect(await page.inputValue("input")).toBe(EVIL.slice(0, 40));
      await page.goto(`${site.home}/session`);
      expect(JSON.parse((await page.textContent("body"))!)).toEqual({ views: 3, colour: EVIL.slice(0, 40) });
    });
    await site.visit("/cgi-bin/session.py", (page) => page.getByText("Views of this page: 1.").waitFor());
  });

  test.skipIf(!has("perl"))("the guest book keeps what everybody writes, once", async () => {
    await site.visit("/cgi.html", async (page) => {
      await page.getByRole("link", { name: "read and write" }).click();
      await page.getByText("Nobody has written anything yet.").waitFor();
      await page.getByLabel("Your name").fill("Ada <b>");
      await page.getByLabel("What you want to say").fill(EVIL);
      await page.getByRole("button", { name: "Write" }).click();
      await page.getByRole("heading", { name: "Ada <b>" }).waitFor();
      expect(await page.locator(".card p").allInnerTexts()).toEqual([EVIL]);
      await page.reload();
      expect(await page.locator(".card p").allInnerTexts()).toEqual([EVIL]);
      await picture(page, "guest-book");
      const many = Array.from({ length: 12 }, (_, i) => `guest ${i}`);
      await Promise.all(
        many.map((name) => page.request.post(`${site.home}/cgi-bin/guestbook.pl`, { form: { name, text: "at once" } })),
      );
      await page.reload();
      expect((await page.locator(".card h3").allInnerTexts()).sort()).toEqual(["Ada <b>", ...many].sort());
    });
  });

  for (const [name, path, greeting] of [
    ["php-cgi", "/cgi-bin/hello.php", "Hello, PHP!"],
    ["bun", "/cgi-bin/hello.ts", "Hello, TypeScript!"],
  ] as const) {
    test.skipIf(!has(name))(`${path} greets whoever asks`, async () => {
      await site.visit(path, async (page) => {
        expect(await page.textContent("h1")).toBe(greeting);
        await page.getByLabel("Your name").fill(EVIL);
        await page.getByRole("button", { name: "Greet me" }).click();
        await page.waitForURL(/name=/);
        expect(await page.textContent("h1")).toBe(`Hello, ${EVIL}!`);
      });
    });
  }

  test.skipIf(!has("python3") || !has("perl"))("long words of visitors fit a phone", async () => {
    const word = "w".repeat(300);
    await fetch(`${site.home}/cgi-bin/guestbook.pl`, {
      method: "POST",
      body: new URLSearchParams({ name: word.slice(0, 60), text: word }),
    });
    const paths = [
      `/cgi-bin/env.sh/${word}`,
      `/cgi-bin/form.py?${word}=${word}`,
      "/cgi-bin/guestbook.pl",
      `/cgi-bin/hello.php?name=${word}`,
      `/cgi-bin/hello.ts?name=${word}`,
      `/${word}`,
    ];
    const wide: string[] = [];
    for (const path of paths) {
      await site.visit(path, async (page) => (await overflow(page)) > 0 && wide.push(path), PHONE);
    }
    expect(wide).toEqual([]);
  });

  test.each([PHONE, DARK])("the page fits a phone: %j", async (options) => {
    await site.visit(
      "/cgi.html",
      async (page) => {
        await page.locator("[data-needs] > :text('by /')").first().waitFor();
        await picture(page, `programs-phone${options === DARK ? "-dark" : ""}`);
        expect(await overflow(page)).toBeLessThanOrEqual(0);
      },
      options,
    );
  });
});

describe.skipIf(!hasBrowser)("an interpreter in a folder with a long name", () => {
  const folder = makeFolder({});
  const long = join(folder, "l".repeat(200));
  const site = useDemonstration({ PATH: `${long}:${process.env.PATH}` });
  beforeAll(() => {
    mkdirSync(long);
    writeFileSync(join(long, "perl"), "#!/bin/sh\n", { mode: 0o755 });
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test("fits a phone", async () => {
    await site.visit(
      "/cgi.html",
      async (page) => {
        await page.getByText(`by ${long}/perl`).waitFor();
        await picture(page, "programs-long-path");
        expect(await overflow(page)).toBeLessThanOrEqual(0);
      },
      PHONE,
    );
  });
});

describe.skipIf(!hasBrowser)("programs without interpreters", () => {
  const site = useDemonstration({ PATH: "/nowhere" });

  test("the page says that they are missing, the others still run", async () => {
    await site.visit("/cgi.html", async (page) => {
      for (const name of ["python3", "perl", "php-cgi", "bun"]) {
        await page
          .locator(`[data-needs="${name}"]`, { hasText: `${name} is not on this machine.` })
          .first()
          .waitFor();
      }
    });
  });

  test("a program that cannot run is the site's own page, and a line in the error log", async () => {
    await site.visit("/cgi-bin/hello.php", async (page) => {
      expect(await page.textContent("h1")).toBe("The program failed");
      expect((await page.reload())?.status()).toBe(502);
      const reason = /hello\.php.*php-cgi.*No such file/;
      await until(
        () => reason.test(site.server.stderr),
        () => site.server.stderr,
      );
      await page.getByRole("link", { name: "To the programs" }).click();
      expect(await page.textContent("h1")).toBe("Programs");
    });
  });
});
