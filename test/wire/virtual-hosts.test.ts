/** Which server answers: by address, then by name, in nginx's order of precedence. */
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { check } from "./cases.ts";
import { ask, get } from "./client.ts";
import { answers } from "./explained.ts";
import { makeFolder, ServerProcess, useServer } from "./server.ts";

setDefaultTimeout(60_000);

const hasIpv6 = existsSync("/proc/net/if_inet6") && readFileSync("/proc/net/if_inet6", "utf8").includes("00000001 01");

const named = (name: string, text: string): string =>
  `server { listen 127.0.0.1:0; server_name ${name}; return 200 "${text}\\n"; }`;

const server = useServer({
  configuration: `
    server { listen 127.0.0.1:0; server_name first.test; return 200 "first\\n"; }
    ${named("exact.test www.exact.test", "exact")}
    ${named("*.exact.test", "leading")}
    ${named("*.long.exact.test", "longer leading")}
    ${named("mail.*", "trailing")}
    ${named("mail.exact.*", "longer trailing")}
    ${named(".both.test", "both")}
    ${named("~^www\\d+\\.", "pattern")}
    ${named("~^(?<who>\\w+)\\.people\\.test$", "who $who")}
    ${named("~^(?!b)(a|aa)+\\.guarded$", "guarded")}
    server {
      listen 127.0.0.1:0;
      server_name "~^(?<who>\\w+)\\.asks\\.test$";
      location ~ ^/(?<what>\\w+)$ { return 200 "$who wants $what"; }
    }
    server { listen 127.0.0.1:0 default_server; server_name _; return 200 "default\\n"; }`,
});

describe("a pattern that nobody can tell to match or not", () => {
  const host = (name: string) => get("/", { Host: name });
  answers(server, "is tried", host("aaa.guarded"), { status: 200, body: "guarded\n" });
  answers(server, "is not passed over", host(`${"a".repeat(60)}.guarded`), { status: 400 });
});

describe("by name", () => {
  const rows: [host: string, body: string][] = [
    ["exact.test", "exact"],
    ["EXACT.Test", "exact"],
    ["exact.test:8080", "exact"],
    ["exact.test.", "exact"],
    ["www.exact.test", "exact"],
    ["a.exact.test", "leading"],
    ["a.b.exact.test", "leading"],
    ["a.long.exact.test", "longer leading"],
    ["mail.org", "trailing"],
    ["mail.exact.org", "longer trailing"],
    ["mail.exact.test", "leading"],
    ["both.test", "both"],
    ["x.both.test", "both"],
    ["notboth.test", "default"],
    ["www7.anywhere", "pattern"],
    ["ada.people.test", "who ada"],
    ["first.test", "first"],
    ["unknown.test", "default"],
    ["127.0.0.1", "default"],
    ["[::1]", "default"],
  ];
  for (const [host, body] of rows) {
    answers(server, `${host}: ${body}`, get("/", { Host: host }), { status: 200, body: `${body}\n` });
  }
  answers(server, "its groups are variables in a location too", get("/tea", { Host: "ada.asks.test" }), {
    status: 200,
    body: "ada wants tea",
  });
  answers(server, "no Host in 1.0: the default", "GET / HTTP/1.0\r\n\r\n", { status: 200, body: "default\n" });
  answers(server, "the absolute target's", "GET http://exact.test/ HTTP/1.1\r\nHost: both.test\r\n\r\n", {
    status: 200,
    body: "exact\n",
  });
});

describe("by address", () => {
  const folder = makeFolder();
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const ports = useServer({
    configuration: `
      server { listen 127.0.0.1:0; listen unix:${folder}/socket; return 200 "tcp and unix\\n"; }
      server { listen 127.0.0.2:0; return 200 "second $server_addr\\n"; }`,
  });

  test("each address has its own servers", async () => {
    check(await ask(ports.port, get("/")), { status: 200, body: "tcp and unix\n" });
    const second = ports.urls.find((url) => url.includes("127.0.0.2"))!;
    expect(await (await fetch(second)).text()).toBe("second 127.0.0.2\n");
  });

  test("a unix socket", async () => {
    expect(existsSync(join(folder, "socket"))).toBe(true);
    check(await ask(join(folder, "socket"), get("/")), { status: 200, body: "tcp and unix\n" });
  });

  test("a unix socket is gone after a stop, and can be bound again", async () => {
    const path = join(folder, "again");
    for (let round = 0; round < 2; round++) {
      const server = new ServerProcess({ configuration: `server { listen unix:${path}; return 200 "again\\n"; }` });
      await server.start();
      check(await ask(path, get("/")), { status: 200, body: "again\n" });
      expect(await server.stop()).toBe(0);
      expect(existsSync(path)).toBe(false);
    }
  });

  test.skipIf(!hasIpv6)("IPv6 (skipped where the machine has none)", async () => {
    const server = new ServerProcess({
      configuration: `server { listen [::1]:0; allow ::1; deny all; return 200 "$remote_addr $server_addr\\n"; }`,
    });
    await server.start();
    expect(server.urls[0]).toStartWith("http://[::1]:");
    expect(await (await fetch(server.urls[0]!)).text()).toBe("::1 ::1\n");
    await server.stop();
  });
});
