/** What a script writes to its standard error is in the error log, line by line; how it ended is there when nobody wanted it so. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { check } from "./cases.ts";
import { ask, Client, get } from "./client.ts";
import { children, leavesNothing, TEXT, untilLogged, useScripts } from "./scripts.ts";
import { until } from "./server.ts";

setDefaultTimeout(60_000);

const server = useScripts({
  directives: "cgi_timeout 2s;",
  files: { "www/static.txt": "static\n" },
  scripts: {
    "two.sh": `echo 'first line' >&2; ${TEXT}; printf body; echo 'second line' >&2`,
    "open.sh": `${TEXT}; printf 'no end' >&2`,
    "device.sh": `${TEXT}; echo 'through the device' > /dev/stderr; echo body > /dev/stdout`,
    "crlf.sh": `${TEXT}; printf 'windows\\r\\n\\r\\n\\nafter\\n' >&2`,
    "control.sh": `${TEXT}; printf 'bell \\a escape \\033[31m nul \\0 end\\n' >&2`,
    "utf8.sh": `${TEXT}; printf 'grüße 日本\\n' >&2`,
    "long.sh": `${TEXT}; head -c 1000000 /dev/zero | tr '\\0' x >&2; printf '\\nafter the long one\\n' >&2`,
    "much.sh": `${TEXT}; i=0; while [ $i -lt 3000 ]; do echo "line $i of many" >&2; i=$((i+1)); done; printf body`,
    "before.sh": `echo 'died early' >&2; exit 3`,
    "killed.sh": `${TEXT}; printf body; kill -9 $$`,
    "killed-early.sh": "kill -SEGV $$",
    "late.sh": `${TEXT}; printf body; exec >&-; sleep 0.3; echo 'said after the reply' >&2`,
    "status.sh": `${TEXT}; printf body; exit 7`,
    "asked.sh": `echo a >&2; echo b >&2; ${TEXT}; printf body`,
    "flood-long.sh": `${TEXT}; printf body; exec >&-; yes "$(head -c 8000 /dev/zero | tr '\\0' x)" >&2`,
    "flood.sh": `${TEXT}; printf body; exec >&-; yes x >&2`,
    "shut.sh": `exec 2>&-; ${TEXT}; printf body`,
    "error.sh": "this is not a command; exit 1",
  },
});

const line = (script: string, text: string): RegExp =>
  new RegExp(
    `^\\d{4}/\\d\\d/\\d\\d \\d\\d:\\d\\d:\\d\\d \\[error\\] \\d+: \\*\\d+ script "[^"]*/www/${script}": ${text}, client: 127\\.0\\.0\\.1`,
    "m",
  );

describe("lines", () => {
  const cases: [script: string, body: string, lines: string[]][] = [
    ["two.sh", "body", ["first line", "second line"]],
    ["open.sh", "", ["no end"]],
    ["device.sh", "body\n", ["through the device"]],
    ["crlf.sh", "", ["windows", "after"]],
    ["utf8.sh", "", ["grüße 日本"]],
    ["much.sh", "body", ["line 0 of many", "line 1500 of many", "line 2999 of many"]],
    ["long.sh", "", ["x{8192}\\.\\.\\.", "after the long one"]],
  ];

  test.each(cases)("%s", async (script, body, lines) => {
    check(await ask(server.port, get(`/${script}`)), { status: 200, body });
    for (const text of lines) await untilLogged(server, line(script, text));
  });

  test("after the first they do not repeat the request", async () => {
    check(await ask(server.port, get("/asked.sh?some=query")), { status: 200, body: "body" });
    await untilLogged(server, /asked\.sh": a, client: 127\.0\.0\.1, .*request: "GET \/asked\.sh\?some=query HTTP/);
    await untilLogged(server, /asked\.sh": b, client: 127\.0\.0\.1$/m);
  });

  test.each(["flood", "flood-long"])("a script that floods it is kept waiting, and nobody else: %s", async (name) => {
    const before = server.stderr.length;
    check(await ask(server.port, get(`/${name}.sh`)), { status: 200, body: "body" });
    await untilLogged(server, new RegExp(`${name}\\.sh": x+, client`));
    for (let i = 0; i < 20; i++) check(await ask(server.port, get("/static.txt")), { status: 200, body: "static\n" });
    // cgi_timeout ends it; until then it has 500 lines each tenth of a second.
    await until(
      () => children(server.pid).length === 0,
      () => "it still runs",
    );
    expect(server.stderr.length - before).toBeLessThan(5_000_000);
  });

  test("control characters cannot play with a terminal", async () => {
    check(await ask(server.port, get("/control.sh")), { status: 200 });
    await untilLogged(server, /control\.sh": bell/);
    const logged = server.stderr.split("\n").find((text) => text.includes("control.sh"))!;
    expect(logged).not.toMatch(/[\x00-\x1f\x7f]/);
  });

  test("what was said before a bad end is there as well as the end", async () => {
    check(await ask(server.port, get("/before.sh")), { status: 502 });
    await untilLogged(server, /before\.sh":? died early/);
    await untilLogged(server, /before\.sh" ended before its header block/);
    check(await ask(server.port, get("/error.sh")), { status: 502 });
    await untilLogged(server, /error\.sh": .*not found/);
  });

  test("a reply does not wait for them, and they come all the same", async () => {
    check(await ask(server.port, get("/late.sh")), { status: 200, body: "body" });
    await untilLogged(server, /late\.sh": said after the reply/);
  });
});

describe("the end", () => {
  test("a signal of somebody else's is told", async () => {
    const client = await Client.connect(server.port);
    void client.send(get("/killed.sh"));
    const text = (await client.rest()).toString("latin1");
    expect(text).toStartWith("HTTP/1.1 200 OK\r\n");
    expect(text).toEndWith("\r\n\r\n4\r\nbody\r\n"); // without a last chunk: that is how its client knows
    await untilLogged(server, /killed\.sh":? .*signal 9/);
    client.destroy();
    check(await ask(server.port, get("/killed-early.sh")), { status: 502 });
    await untilLogged(server, /killed-early\.sh":? .*signal 11/);
  });

  test("a status is the script's own affair", async () => {
    check(await ask(server.port, get("/status.sh")), { status: 200, body: "body" });
  });

  test("without standard error it runs as well", async () => {
    check(await ask(server.port, get("/shut.sh")), { status: 200, body: "body" });
  });
});

leavesNothing(server);
