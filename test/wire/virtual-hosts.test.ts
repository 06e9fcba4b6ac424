/** Which server answers: by address, then by name, in nginx's order of precedence. */
import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { answers, check } from "./cases.ts";
import { ask, get } from "./client.ts";
import { makeFolder, useServer } from "./server.ts";

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
    server { listen 127.0.0.1:0 default_server; server_name _; return 200 "default\\n"; }`,
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
  answers(server, "no Host in 1.0: the default", "GET / HTTP/1.0\r\n\r\n", { status: 200, body: "default\n" });
  answers(server, "the absolute target's", "GET http://exact.test/ HTTP/1.1\r\nHost: both.test\r\n\r\n", {
    status: 200,
    body: "exact\n",
  });
});

describe("by address", () => {
  const folder = makeFolder();
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
});
