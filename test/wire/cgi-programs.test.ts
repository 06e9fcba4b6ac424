/** Programs of several kinds side by side, what they may use, uploads through them, and the visitors they know. */
import { beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { check } from "./cases.ts";
import { ask, Client, get } from "./client.ts";
import { leavesNothing, TEXT, untilLogged, useScripts } from "./scripts.ts";
import { bytesOf, digest, form, withBody } from "./upload-requests.ts";

setDefaultTimeout(60_000);

const HELLO_C = `#include <stdio.h>
#include <stdlib.h>
int main(void) { printf("Content-Type: text/plain\\n\\nC %s", getenv("PATH_INFO")); return 0; }
`;

const installed = (name: string): boolean => Bun.which(name) !== null;

const server = useScripts({
  scripts: {
    "hello.sh": `${TEXT}; printf 'sh %s' "$PATH_INFO"`,
    "hello.py": `import os, sys\nprint("Content-Type: text/plain\\n\\npython", os.environ["PATH_INFO"], end="")\n`,
    "hello.pl": `print "Content-Type: text/plain\\n\\nperl $ENV{PATH_INFO}";\n`,
    "hello.php": `<?php header("Content-Type: text/plain"); echo "php ", $_SERVER["PATH_INFO"];`,
    "own/hello": `#!/bin/sh\n${TEXT}; printf 'own %s' "$PATH_INFO"`,
    "own/page.sh": `#!/bin/cat\nContent-Type: text/plain\n\n`,
    "other/hello.sh": "this is shown by another interpreter",
    "off/hello.sh": "this is text",
    "store.sh": `head -c "$CONTENT_LENGTH" > "$DOCUMENT_ROOT/../stored-$QUERY_STRING"; printf 'Status: 201\\nLocation: /files/%s\\n\\n' "$QUERY_STRING"`,
    "type.sh": `${TEXT}; printf '%s|' "$CONTENT_TYPE"; cat`,
    "limits/files.sh": `${TEXT}; ulimit -n`,
    "limits/busy.sh": `${TEXT}; printf begun; while :; do :; done`,
    "limits/memory.sh": `${TEXT}; ulimit -v`,
  },
  files: { "spool/": "" },
  server: `
    root www;
    cgi .sh /bin/sh;
    ${installed("python3") ? "cgi .py python3;" : ""}
    ${installed("perl") ? "cgi .pl perl;" : ""}
    ${installed("php-cgi") ? "cgi .php php-cgi;" : ""}
    client_body_temp_path spool;
    location = /store.sh { allowed_methods POST PUT; }
    location /own/ { cgi *; }
    location /other/ { cgi .sh /bin/sh -c "printf 'Content-Type: text/plain\\n\\n'; cat \\"$1\\"" name; }
    location /off/ { cgi off; types { text/plain sh; } }
    location /limits/ { cgi_limit cpu=1s memory=200m files=20; }`,
});

beforeAll(() => {
  if (!installed("cc")) return;
  const source = join(server.folder, "hello.c");
  writeFileSync(source, HELLO_C);
  expect(Bun.spawnSync(["cc", "-o", join(server.folder, "www/own/compiled"), source]).success).toBe(true);
});

describe("interpreters", () => {
  const programs: [needs: string, path: string, body: string | RegExp][] = [
    ["sh", "/hello.sh/x", "sh /x"],
    ["python3", "/hello.py/x/ü", "python /x/ü"],
    ["perl", "/hello.pl/x", "perl /x"],
    ["php-cgi", "/hello.php/x", "php /x"],
    ["sh", "/own/hello/x", "own /x"],
    ["cc", "/own/compiled/x", "C /x"],
    ["sh", "/other/hello.sh", "this is shown by another interpreter"],
    ["sh", "/off/hello.sh", "this is text"],
  ];
  for (const [needs, path, body] of programs) {
    test.skipIf(!installed(needs))(`${path} (needs ${needs})`, async () => {
      check(await ask(server.port, get(encodeURI(path))), {
        status: 200,
        fields: { "content-type": /text\/plain.*/ },
        body,
      });
    });
  }
});

describe("an upload through a script", () => {
  const stored = (name: string): string => digest(readFileSync(join(server.folder, `stored-${name}`)));

  test.each([0, 10_007])("5 MB in chunks of %d", async (chunk) => {
    const content = bytesOf(chunk, 5_000_000);
    const request = withBody("POST", `/store.sh?up-${chunk}`, content, { chunk });
    check(await ask(server.port, request), { status: 201, fields: { location: `/files/up-${chunk}` } });
    expect(stored(`up-${chunk}`)).toBe(digest(content));
  });

  test("PUT as well", async () => {
    const content = bytesOf(9, 100_000);
    check(await ask(server.port, withBody("PUT", "/store.sh?put", content)), { status: 201 });
    expect(stored("put")).toBe(digest(content));
  });

  test("a form arrives as the client made it", async () => {
    const request = form("/type.sh", [["a.txt", "content"]]);
    const body = request.subarray(request.indexOf("\r\n\r\n") + 4).toString("latin1");
    const boundary = /boundary=(\S+)/.exec(request.toString("latin1"))![1];
    check(await ask(server.port, request), { status: 200, body: `multipart/form-data; boundary=${boundary}|${body}` });
  });

  test("bodies that were collected leave nothing behind", () => {
    expect(readdirSync(join(server.folder, "spool"))).toEqual([]);
  });
});

describe("cgi_limit", () => {
  test("descriptors", async () => {
    check(await ask(server.port, get("/limits/files.sh")), { status: 200, body: "20\n" });
  });

  test("memory", async () => {
    check(await ask(server.port, get("/limits/memory.sh")), { status: 200, body: "204800\n" });
  });

  test("processor time: the script is ended in the middle of its reply, which is cut off, so that nobody takes it for whole", async () => {
    const client = await Client.connect(server.port);
    void client.send(get("/limits/busy.sh"));
    expect((await client.rest()).toString("latin1")).toMatch(/^HTTP\/1\.1 200 [\s\S]*\r\n\r\n5\r\nbegun\r\n$/);
    await untilLogged(server, /busy\.sh":? .*signal (?:9|24)/);
  });
});

leavesNothing(server);
