/** Groups of servers with real servers behind: killed and restarted ones, retries, what the access log says of them, kept connections. */
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ask, Client, get } from "./client.ts";
import { dnsServer, a as record, type Zone } from "./dns-server.ts";
import { freePort } from "./free-ports.ts";
import { until, useServer } from "./server.ts";

setDefaultTimeout(60_000);

/** A program that replies with its port, to /kept/port with that of the connection's other end. A path that ends in three digits has that status. */
const PROGRAM = `
  const port = Number(process.argv[1]);
  const headers = { "X-Many": "one", "Set-Cookie": "id=7; path=/" };
  const server = Bun.serve({ port, hostname: "127.0.0.1", idleTimeout: 60, fetch(request) {
    const { pathname } = new URL(request.url);
    const status = Number(/\\d{3}$/.exec(pathname)?.[0] ?? 200);
    const body = pathname === "/kept/port" ? server.requestIP(request).port : server.port;
    return new Response(String(body), { status, headers });
  } });
  console.log(server.port);
`;

/** A server behind, as a process of its own, which can be killed. */
class Backend {
  port = 0;
  private process: Bun.Subprocess<"ignore", "pipe", "inherit"> | null = null;

  /** Listens; after `kill` at the same port again. */
  async start(): Promise<void> {
    if (this.port === 0) this.port = await freePort();
    this.process = Bun.spawn([process.execPath, "-e", PROGRAM, String(this.port)], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "inherit",
    });
    for await (const _listening of this.process.stdout) return;
    throw new Error("a server behind did not start");
  }

  async kill(): Promise<void> {
    this.process!.kill("SIGKILL");
    await this.process!.exited;
  }
}

const backends = [new Backend(), new Backend(), new Backend()];
await Promise.all(backends.map((backend) => backend.start()));
afterAll(() => Promise.all(backends.map((backend) => backend.kill())));
const [a, b, c] = backends.map(({ port }) => `127.0.0.1:${port}`) as [string, string, string];
/** Where nobody listens: a port that the kernel gives to none of the other tests' servers. */
const nobody = "127.0.0.1:1";

const zone: Zone = { "app.test": { records: [record("app.test", "127.0.0.1", 1)] } };
const dns = await dnsServer(zone);
afterAll(() => dns.stop());

const kept = 'proxy_http_version 1.1; proxy_set_header Connection ""';
const server = useServer({
  configuration: `
    log_format upstream '$uri|$status|$upstream_addr|$upstream_status|$upstream_response_length|$upstream_http_x_many|$upstream_cookie_id|$proxy_host:$proxy_port';
    error_log error.log info;
    access_log access.log upstream;
    upstream three { server ${a} max_fails=0; server ${b} max_fails=0; server ${c} max_fails=0; keepalive 8; }
    upstream turns { server ${a}; server ${b} weight=2; }
    upstream refusing { server ${nobody}; server ${a}; }
    upstream spare { server ${nobody}; server ${b} backup; }
    upstream dead { server ${nobody}; server ${a} down; }
    upstream kept { server ${c}; keepalive 2; }
    upstream named { resolver 127.0.0.1:${dns.port}; zone named 64k; server app.test:${backends[0]!.port} resolve; }
    upstream sick { server ${nobody}; server ${c}; sticky cookie srv path=/; }
    server {
      listen 127.0.0.1:0;
      location /three { proxy_pass http://three; ${kept}; }
      location /turns { proxy_pass http://turns; }
      location /refusing { proxy_pass http://refusing; proxy_next_upstream error http_503; }
      location /spare { proxy_pass http://spare; }
      location /dead { proxy_pass http://dead; error_page 502 = /ok; }
      location /kept { proxy_pass http://kept; ${kept}; }
      location /named { proxy_pass http://named; proxy_connect_timeout 2s; add_header X-Peer $upstream_addr always; }
      location /ok { proxy_pass http://${c}; }
      location /sick { proxy_pass http://sick; health_check interval=100ms fails=1 passes=1 uri=/well; }
    }`,
});

/** The access log's lines of requests to `path` or from there. */
const lines = (path: string): string[] =>
  readFileSync(join(server.folder, "access.log"), "utf8")
    .split("\n")
    .filter((line) => line.startsWith(`${path}|`));

/** The lines that requests to these paths leave, one after the other. `as`: the path that they end at. */
async function logged(paths: readonly string[], as = paths[0]!): Promise<string[][]> {
  const before = lines(as).length;
  for (const path of paths) await ask(server.port, get(path, { Connection: "close" }));
  await until(
    () => lines(as).length >= before + paths.length,
    () => lines(as).join("\n"),
  );
  return lines(as)
    .slice(before)
    .map((line) => line.split("|").slice(1));
}

describe("the access log", () => {
  const length = (address: string): number => address.length - "127.0.0.1:".length;

  test("tells of one attempt", async () => {
    const of = (address: string): string[] => ["200", address, "200", `${length(address)}`, "one", "7", "turns:80"];
    expect(await logged(["/turns", "/turns", "/turns"])).toEqual([of(b), of(a), of(b)]);
  });

  test("lists the attempts at several servers", async () => {
    expect(await logged(["/refusing/503", "/refusing/503"])).toEqual([
      ["503", `${nobody}, ${a}`, "502, 503", `0, ${length(a)}`, "one", "7", "refusing:80"],
      // The one that refused is out of use for fail_timeout now. As in nginx, a 503 with nobody left to ask is a 502.
      ["502", `${a}, refusing`, "503, 502", "0, 0", "-", "-", "refusing:80"],
    ]);
    const told: readonly [string, string][] = [
      ["connect() failed (111: Connection refused) while connecting to upstream, client", nobody],
      ["upstream server temporarily disabled while connecting to upstream, client", nobody],
      ["upstream server temporarily disabled while reading response header from upstream, client", a],
      ["no live upstreams while connecting to upstream, client", "refusing"],
    ];
    const log = (): string => readFileSync(join(server.folder, "error.log"), "utf8");
    const lines = (): string[] =>
      log()
        .split("\n")
        .filter((line) => line.includes("GET /refusing/503 "));
    await until(() => lines().length >= told.length, log);
    const found = lines();
    expect(found).toHaveLength(told.length);
    for (const [i, [text, peer]] of told.entries()) {
      expect(found[i]).toContain(text);
      expect(found[i]).toContain(`upstream: "http://${peer}/refusing/503"`);
    }
  });

  test("tells of a spare server, and then only of that", async () => {
    const spare = await logged(["/spare", "/spare"]);
    expect(spare.map((line) => line.slice(1, 3))).toEqual([
      [`${nobody}, ${b}`, "502, 200"],
      [b, "200"],
    ]);
  });

  test("separates the servers of two locations by a colon, and names the group when nobody is left", async () => {
    const dead = await logged(["/dead", "/dead"], "/ok");
    expect(dead.map((line) => line.slice(1, 3))).toEqual([
      [`${nobody} : ${c}`, "502 : 200"],
      [`dead : ${c}`, "502 : 200"],
    ]);
    expect(readFileSync(join(server.folder, "error.log"), "utf8")).toMatch(
      /\[error\] \d+: \*\d+ no live upstreams while connecting to upstream, client: 127\.0\.0\.1, server: , request: "GET \/dead HTTP\/1\.1", upstream: "http:\/\/dead\/dead", host: /,
    );
  });
});

test("an active check keeps requests from a server before one of them has failed, and sticky leads back", async () => {
  const log = (): string => readFileSync(join(server.folder, "error.log"), "utf8");
  const unhealthy = `peer is unhealthy while connecting to upstream, health check "" of peer ${nobody} in upstream "sick"`;
  await until(() => log().includes(unhealthy), log);
  const reply = await ask(server.port, get("/sick", { Connection: "close" }));
  const cookies = reply.fields.filter(([name]) => name.toLowerCase() === "set-cookie").map(([, value]) => value);
  expect(cookies).toContain("id=7; path=/");
  expect(cookies.find((value) => value.startsWith("srv="))).toMatch(/^srv=[0-9a-f]{32}; path=\/$/);
  expect(log()).not.toContain('request: "GET /sick');
});

test("resolve: the peers follow what the name leads to, without a reload", async () => {
  const peer = async (): Promise<string | undefined> => {
    const reply = await ask(server.port, get("/named", { Connection: "close" }));
    return reply.status === 200 ? reply.field("x-peer") : `${reply.status}`;
  };
  expect(await peer()).toBe(a);
  zone["app.test"] = { records: [record("app.test", "127.0.0.2", 60)] };
  const elsewhere = `127.0.0.2:${backends[0]!.port}`;
  let seen = await peer();
  for (const deadline = Date.now() + 30_000; seen === a && Date.now() < deadline; await Bun.sleep(50))
    seen = await peer();
  expect(seen).toBe("502"); // nobody listens there
  const log = (): string => readFileSync(join(server.folder, "error.log"), "utf8");
  await until(() => log().includes(`upstream: "http://${elsewhere}/named"`), log);
});

test("a group that a reload does not change keeps its idle connections", async () => {
  const port = async (): Promise<string> => (await ask(server.port, get("/kept/port", { Connection: "close" }))).text;
  const before = await port();
  expect(await port()).toBe(before);
  process.kill(server.pid, "SIGHUP");
  const log = (): string => readFileSync(join(server.folder, "error.log"), "utf8");
  await until(() => log().includes("reconfigured"), log);
  expect(await port()).toBe(before);
});

describe("one of three servers", () => {
  /** Gets from the group until told to stop. How many replies were not a 200, and how many there were. */
  async function load(isOver: () => boolean, statuses: Map<number, number>): Promise<void> {
    const client = await Client.connect(server.port);
    while (!isOver()) {
      const { status } = await client.ask(get("/three"));
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
    client.destroy();
  }

  test("killed and restarted under load, ten times: no GET fails", async () => {
    let over = false;
    const statuses = new Map<number, number>();
    const clients = Array.from({ length: 8 }, () => load(() => over, statuses));
    const replies = (): number => [...statuses.values()].reduce((sum, count) => sum + count, 0);
    const more = (count: number): Promise<void> => {
      const enough = replies() + count;
      return until(
        () => replies() >= enough,
        () => JSON.stringify([...statuses]),
      );
    };
    for (let round = 0; round < 10; round++) {
      const victim = backends[round % 3]!;
      await more(100);
      await victim.kill();
      await more(100);
      await victim.start();
    }
    await more(100);
    over = true;
    await Promise.all(clients);
    expect([...statuses.keys()]).toEqual([200]);
  });
});
