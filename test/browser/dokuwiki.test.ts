/** A PHP site that others wrote: Debian's DokuWiki on php-fpm, clicked through as its users do. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { HAS_PHP_FPM, useFolder, usePhpFpm } from "../wire/applications.ts";
import { PROJECT } from "../wire/server.ts";
import { hasBrowser } from "./browser.ts";
import { useSite } from "./programs-site.ts";
import { picture } from "./uploads-site.ts";

setDefaultTimeout(60_000);

const WIKI = "/usr/share/dokuwiki";
const isHere = HAS_PHP_FPM && existsSync(`${WIKI}/doku.php`);

const DATA = "attic cache index locks log media media_attic media_meta meta pages tmp".split(" ");

/** A PNG of 8 by 8 pixels. */
const PICTURE = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAE0lEQVR4nGP8z4APMOGVZRipAAA1vgEP8wIu1gAAAABJRU5ErkJggg==",
  "base64",
);

/** As dokuwiki.org has it for nginx, but for the paths. Debian's package has links to folders outside of the root (`symlinks`). */
const configuration = (folder: string): string => `
  include "${PROJECT}/conf/mime.types";
  symlinks follow;
  server {
    listen 127.0.0.1:0;

    # Maximum file upload size is 4MB - change accordingly if needed
    client_max_body_size 4M;
    client_body_buffer_size 128k;

    root ${WIKI};
    index doku.php;

    #Remember to comment the below out when you're installing, and uncomment it when done.
    location ~ /(conf/|bin/|inc/|vendor/|install.php) { deny all; }

    #Support for X-Accel-Redirect
    location ~ ^/data/ { internal; }

    location ~ ^/lib.*\\.(js|css|gif|png|ico|jpg|jpeg)$ {
      expires 365d;
    }

    location / { try_files $uri $uri/ @dokuwiki; }

    location @dokuwiki {
      # rewrites "doku.php/" out of the URLs if you set the userwrite setting to .htaccess in dokuwiki config page
      rewrite ^/_media/(.*) /lib/exe/fetch.php?media=$1 last;
      rewrite ^/_detail/(.*) /lib/exe/detail.php?media=$1 last;
      rewrite ^/_export/([^/]+)/(.*) /doku.php?do=export_$1&id=$2 last;
      rewrite ^/(.*) /doku.php?id=$1&$args last;
    }

    location ~ \\.php$ {
      try_files $uri $uri/ /doku.php;
      include "${PROJECT}/conf/fastcgi_params";
      fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;
      fastcgi_param REDIRECT_STATUS 200;
      fastcgi_pass unix:${folder}/php.sock;
    }
  }`;

describe.skipIf(!hasBrowser || !isHere)("DokuWiki in Chromium", () => {
  const folder = useFolder({
    ...Object.fromEntries(DATA.map((name) => [`data/${name}/`, ""])),
    "data/pages/start.txt": "====== Welcome ======\nA wiki behind Webserv.\n",
    "conf/acl.auth.php": "# <?php exit()?>\n",
    "conf/users.auth.php": "# <?php exit()?>\n",
    "picture.png": PICTURE,
  });
  usePhpFpm(folder, { auto_prepend_file: join(folder, "here.php"), opcache: "0" }, true);
  const site = useSite(async () => {
    // The package's program with a configuration and data of the test's own.
    await Bun.write(
      join(folder, "here.php"),
      `<?php define("DOKU_CONF", "${folder}/conf/"); define("DOKU_FARM", "test");`,
    );
    const settings = { title: "Webserv's wiki", savedir: `${folder}/data`, useacl: 0, updatecheck: 0, userewrite: 1 };
    const lines = Object.entries(settings).map(([name, value]) => `$conf['${name}'] = ${JSON.stringify(value)};`);
    await Bun.write(join(folder, "conf/local.php"), `<?php\n${lines.join("\n")}\n`);
    return { configuration: configuration(folder) };
  });

  test("a page is written, a picture is uploaded and shown, a search finds them", async () => {
    await site.visit("/", async (page) => {
      expect(await page.locator("h1.sectionedit1").textContent()).toBe("Welcome");
      await picture(page, "dokuwiki-start");

      await page.goto(`${site.home}/doku.php?do=media&tab_files=upload`);
      await page.locator("input[type=file]").setInputFiles(join(folder, "picture.png"));
      await page.locator("#mediamanager__upload_button").click();
      await page.locator("#mediamanager__done_form, .qq-upload-success, li.success").first().waitFor();

      await page.goto(`${site.home}/notes`);
      await page.locator("a.action.create, .create a, a[href*='do=edit']").first().click();
      await page
        .locator("#wiki__text")
        .fill("====== Notes ======\nA zebra in ümlauts.\n\n{{:picture.png|The picture}}\n");
      await picture(page, "dokuwiki-edit");
      await page.locator("#edbtn__save").click();
      await page.locator(".page h1").waitFor();
      expect(await page.locator("h1").last().textContent()).toBe("Notes");
      expect(new URL(page.url()).pathname).toBe("/notes");
      await page.locator(".page img[src*='/_media/picture.png']").waitFor();
      expect(await page.evaluate(`document.querySelector(".page img[src*='picture.png']").naturalWidth`)).toBe(8);
      await picture(page, "dokuwiki-page");

      await page.locator("#qsearch__in").fill("zebra");
      await page.keyboard.press("Enter");
      await page.waitForURL(/do=search/);
      // Each page that is shown lets the wiki do one of its tasks in the background; one of them is its index.
      for (let i = 0; i < 100 && (await page.locator(".search_hit").count()) === 0; i++) {
        await page.goto(`${site.home}/notes`);
        await page.goto(`${site.home}/start?do=search&q=zebra`);
      }
      expect(await page.locator(".search_hit").first().textContent()).toBe("zebra");
      await picture(page, "dokuwiki-search");
    });
  });

  test("its style and its scripts come with it, its secrets do not", async () => {
    await site.visit("/doku.php", async (page) => {
      const ask = async (path: string) => (await page.request.get(site.home + path, { maxRedirects: 0 })).status();
      expect(await page.evaluate("getComputedStyle(document.querySelector('#dokuwiki__site')).maxWidth")).toMatch(
        /^\d+px$/,
      );
      expect(await page.evaluate("typeof jQuery")).toBe("function");
      expect(await ask("/inc/init.php")).toBe(403);
      expect(await ask("/data/pages/start.txt")).toBe(404);
      expect(await ask("/lib/tpl/dokuwiki/images/logo.png")).toBe(200);
      expect(await ask("/no/such/page")).toBe(200); // the wiki offers to write it
      expect(await ask("/_export/raw/start")).toBe(200);
    });
  });
});
