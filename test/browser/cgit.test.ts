/** A program that others wrote: Debian's cgit shows a repository, clicked through as its users do. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { makeFolder } from "../wire/server.ts";
import { hasBrowser } from "./browser.ts";
import { useSite } from "./programs-site.ts";
import { picture } from "./uploads-site.ts";

setDefaultTimeout(60_000);

const CGIT = "/usr/lib/cgit/cgit.cgi";
const STYLE = "/usr/share/cgit/cgit.css";
const isHere = existsSync(CGIT) && existsSync(STYLE) && Bun.which("git") !== null;

/** Contents of the repository's files, by commit: the later one changes and adds. */
const COMMITS = [
  {
    message: "Begin with <b> & an ümlaut",
    files: { "README.md": "one\ntwo\n", "src/a b.c": "int main() { return 0; }\n" },
  },
  { message: "Change a line", files: { "README.md": "one\n2\n", "data.bin": "\0\u0001\u0002\r\n" } },
];

/** A bare repository with these commits in `folder`/project.git. */
async function makeRepository(folder: string): Promise<void> {
  const work = join(folder, "work");
  const identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "init.defaultBranch=main"];
  const git = async (...args: string[]): Promise<void> => {
    const environment = { ...process.env, GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_SYSTEM: "/dev/null" };
    const child = Bun.spawn(["git", ...identity, ...args], {
      cwd: folder,
      env: environment,
      stdout: "ignore",
      stderr: "pipe",
    });
    if ((await child.exited) !== 0) throw new Error(await new Response(child.stderr).text());
  };
  await git("init", "-q", work);
  for (const { message, files } of COMMITS) {
    for (const [name, content] of Object.entries(files)) await Bun.write(join(work, name), content);
    await git("-C", work, "add", "-A");
    await git("-C", work, "commit", "-q", "-m", message);
  }
  await git("clone", "-q", "--bare", work, join(folder, "project.git"));
}

const settings = (folder: string): string => `
css=/cgit-css/cgit.css
logo=/cgit-css/cgit.png
cache-size=0
enable-index-links=1
enable-log-filecount=1
snapshots=tar.gz
repo.url=project
repo.path=${folder}/project.git
repo.desc=A project of tests
`;

/** The program is the location itself: what follows is its PATH_INFO. */
const configuration = (folder: string): string => `
  server {
    listen 127.0.0.1:0;
    error_log ${folder}/error.log;
    location = / { return 302 /git/; }
    location /cgit-css/ { alias /usr/share/cgit/; }
    location /git {
      alias ${CGIT};
      cgi .cgi;
      cgi_param CGIT_CONFIG ${folder}/cgitrc;
    }
  }`;

describe.skipIf(!hasBrowser || !isHere)("cgit in Chromium", () => {
  const site = useSite(async () => {
    const folder = makeFolder();
    await makeRepository(folder);
    await Bun.write(join(folder, "cgitrc"), settings(folder));
    return { configuration: configuration(folder), after: () => rmSync(folder, { recursive: true, force: true }) };
  });

  test("from the index to a commit, its difference, and the file before it", async () => {
    await site.visit("/", async (page) => {
      expect(page.url()).toBe(`${site.home}/git/`);
      await page.getByText("A project of tests").waitFor();
      await picture(page, "cgit-index");
      await page.getByRole("link", { name: "project", exact: true }).click();
      expect(page.url()).toBe(`${site.home}/git/project/`);
      await page.getByRole("link", { name: "log", exact: true }).first().click();
      await page.waitForURL(/\/log\//);
      const messages = page.locator("table.list td > a[href*='/commit/']");
      expect(await messages.allInnerTexts()).toEqual(COMMITS.map(({ message }) => message).reverse());
      await page.getByRole("link", { name: "Change a line" }).click();
      expect(await page.locator(".commit-subject").textContent()).toContain("Change a line");
      expect(await page.locator("table.diff .del").last().textContent()).toBe("-two");
      expect(await page.locator("table.diff .add").last().textContent()).toBe("+2");
      await picture(page, "cgit-commit");
      await page.locator("table.commit-info a[href*='/commit/?id=']").last().click();
      expect(await page.locator(".commit-subject").textContent()).toContain(COMMITS[0]!.message);
    });
  });

  test("through the tree to a file, and to its bytes", async () => {
    await site.visit("/git/project/tree/", async (page) => {
      await page.getByRole("link", { name: "src", exact: true }).click();
      await page.getByRole("link", { name: "a b.c", exact: true }).click();
      expect(await page.locator("table.blob .lines").textContent()).toBe(COMMITS[0]!.files["src/a b.c"]!);
      await page.getByRole("link", { name: "plain", exact: true }).first().click();
      expect(await page.locator("body").textContent()).toBe(COMMITS[0]!.files["src/a b.c"]!);
      const binary = await page.request.get(`${site.home}/git/project/plain/data.bin`);
      expect(await binary.text()).toBe(COMMITS[1]!.files["data.bin"]!);
    });
  });

  test("the search is a form, its answer a page", async () => {
    await site.visit("/git/project/log/", async (page) => {
      await page.locator("input[name=q]").fill("ümlaut");
      await page.keyboard.press("Enter");
      await page.waitForURL(/q=/);
      expect(await page.locator("table.list td > a[href*='/commit/']").allInnerTexts()).toEqual([COMMITS[0]!.message]);
    });
  });

  test("a snapshot is a whole archive, a wrong path is 404", async () => {
    await site.visit("/git/project/", async (page) => {
      const archive = await page.request.get(`${site.home}/git/project/snapshot/project-main.tar.gz`);
      expect(archive.status()).toBe(200);
      const text = Buffer.from(Bun.gunzipSync(new Uint8Array(await archive.body()))).toString("latin1");
      expect(text).toContain("project-main/src/a b.c");
      expect((await page.request.get(`${site.home}/git/project/tree/none`)).status()).toBe(404);
      expect((await page.request.get(`${site.home}/git/none/`)).status()).toBe(404);
    });
  });

  test("its style comes with it", async () => {
    await site.visit("/git/", async (page) => {
      expect(await page.evaluate("getComputedStyle(document.querySelector('#cgit')).fontFamily")).toBe("sans-serif");
      expect(await page.evaluate("document.querySelector('#cgit img').naturalWidth")).toBeGreaterThan(0);
    });
  });
});
