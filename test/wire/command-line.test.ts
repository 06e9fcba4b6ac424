/** The command line: options, exit statuses, and one clear line for every start that cannot be (docs/behaviour.md, Starting). */
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { spawn } from "node:child_process";
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { check } from "./cases.ts";
import { ask, get } from "./client.ts";
import { makeFolder, PROGRAM, run, ServerProcess } from "./server.ts";

setDefaultTimeout(60_000);

const isRoot = process.getuid?.() === 0;
const version = (JSON.parse(readFileSync(join(import.meta.dir, "../../package.json"), "utf8")) as { version: string })
  .version;

const GOOD = `server { listen 127.0.0.1:0; root www; }\n`;
const folder = makeFolder({
  "conf/good.conf": GOOD,
  "conf/bad.conf": "server {\n  listen 127.0.0.1:0;\n  client_max_boddy_size 1m;\n  root;\n}\n",
  "conf/included.conf": "include part/*.conf;\n",
  "conf/part/one.conf": GOOD,
  "conf/half.conf": `${GOOD}server { listen 127.0.0.1:0; nonsense; }\n`,
  "conf/empty.conf": "",
  "conf/binary.conf": new Uint8Array([0x7f, 0x45, 0x4c, 0x46, 0, 1, 2, 0xff]),
  "conf/folder/": "",
  "conf/loop.conf": "include loop.conf;\n",
  "conf/privileged.conf": "server { listen 127.0.0.1:1; root www; }\n",
  "conf/foreign.conf": "server { listen 192.0.2.1:8080; root www; }\n",
  "www/index.html": "home\n",
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const cli = (...args: string[]): ReturnType<typeof run> => run(args, folder);

describe("options", () => {
  test.each(["-v", "-V", "--version"])("%s", async (option) => {
    const { status, stdout, stderr } = await cli(option);
    expect([status, stdout + stderr]).toEqual([0, expect.stringContaining(version)]);
  });

  test.each(["-h", "--help"])("%s", async (option) => {
    const { status, stdout } = await cli(option);
    expect(status).toBe(0);
    for (const name of ["-c", "-t", "-T", "-p", "-g", "-e", "-s", "--keep-going"]) expect(stdout).toContain(name);
  });

  test.each([[["-t", "conf/good.conf"]], [["--test", "-c", "conf/good.conf"]], [["-t", "--config", "conf/good.conf"]]])(
    "a good configuration: %j",
    async (args) => {
      expect((await cli(...args)).status).toBe(0);
    },
  );

  test("-T prints the configuration with its includes", async () => {
    const { status, stdout } = await cli("-T", "conf/included.conf");
    expect(status).toBe(0);
    expect(stdout).toContain("include part/*.conf;");
    expect(stdout).toContain("listen 127.0.0.1:0; root www;");
    expect(stdout).toContain("conf/part/one.conf");
  });

  test("-g puts directives before the file's", async () => {
    expect((await cli("-t", "-g", "pid my.pid;", "conf/good.conf")).status).toBe(0);
    expect((await cli("-t", "-g", "nonsense on;", "conf/good.conf")).status).toBe(1);
  });

  test("-p and -e", async () => {
    const server = new ServerProcess({ configuration: GOOD, prefix: folder, args: ["-e", join(folder, "err.log")] });
    await server.start();
    check(await ask(server.port, get("/")), { status: 200, body: "home\n" });
    await ask(server.port, get("/none"));
    expect(await server.stop()).toBe(0);
    expect(readFileSync(join(folder, "err.log"), "utf8")).toContain("none");
  });

  test.each([
    ["an unknown option", ["--frobnicate"]],
    ["an unknown letter", ["-x"]],
    ["an option without its value", ["-c"]],
    ["an unknown signal", ["-s", "dance", "conf/good.conf"]],
    ["two configurations", ["conf/good.conf", "conf/good.conf"]],
  ])("%s: 2", async (_name, args) => {
    const { status, stderr } = await cli(...args);
    expect(status).toBe(2);
    expect(stderr).not.toMatch(/\n\s+at /);
    expect(stderr.length).toBeGreaterThan(0);
  });
});

test("a configuration without a server is legal; there is only nothing to start", async () => {
  const nothing = expect.stringContaining('conf/empty.conf:1:1: warning: no "server" block is configured');
  expect(await cli("-t", "conf/empty.conf")).toMatchObject({ status: 0, stderr: nothing });
  expect(await cli("conf/empty.conf")).toMatchObject({ status: 1, stderr: nothing });
});

describe("bad configurations: 1, with clear lines", () => {
  const rows: [name: string, file: string, message: RegExp][] = [
    ["a missing file", "conf/none.conf", /conf\/none\.conf.*(No such file|not found|does not exist)/i],
    ["a folder", "conf/folder", /conf\/folder.*(folder|directory)/i],
    ["a binary", "conf/binary.conf", /conf\/binary\.conf.*/],
    ["one that includes itself", "conf/loop.conf", /loop\.conf/],
  ];
  test.each(rows)("%s", async (_name, file, message) => {
    for (const option of [["-t"], []]) {
      const { status, stdout, stderr } = await cli(...option, file);
      expect([status, stderr]).toEqual([1, expect.stringMatching(message)]);
      expect(stdout + stderr).not.toMatch(/\n\s+at /);
      expect(stderr.trim().split("\n").length).toBeLessThanOrEqual(2);
    }
  });

  test("all errors in one run, with their places", async () => {
    const { status, stderr } = await cli("-t", "conf/bad.conf");
    expect(status).toBe(1);
    expect(stderr).toContain(
      'conf/bad.conf:3:3: error: unknown directive "client_max_boddy_size" (did you mean "client_max_body_size"?)',
    );
    expect(stderr).toContain("conf/bad.conf:4:3: error: ");
  });

  test("--keep-going serves what is good", async () => {
    expect((await cli("-t", "conf/half.conf")).status).toBe(1);
    const server = new ServerProcess({
      configuration: `${GOOD}server { listen 127.0.0.3:0; nonsense; }\n`,
      prefix: folder,
      args: ["--keep-going"],
      addresses: 1,
    });
    await server.start();
    check(await ask(server.port, get("/")), { status: 200, body: "home\n" });
    await server.stop();
    expect(server.stderr).toContain("nonsense");
    expect(server.urls.length).toBe(1);
  });
});

test("the start names the pages there are, where a newcomer can find them", async () => {
  const many = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`many/p${10 + i}.html`, ""]));
  const server = new ServerProcess({
    configuration: `
      server { listen 127.0.0.1:0; root www; location = /error.html { internal; } }
      server { listen 127.0.0.2:0; root many; }
      server { listen 127.0.0.3:0; root empty; }
      server { listen 127.0.0.4:0; root $host; }
      server { listen 127.0.0.5:0; root many; return 301 /x; }`,
    files: {
      "www/index.html": "",
      "www/b ü.html": "",
      "www/error.html": "",
      "www/.hidden.html": "",
      "www/a.txt": "",
      "empty/": "",
      ...many,
    },
  });
  await server.start();
  await server.stop();
  const urls = String.raw`listening on http://127.0.0.\d:\d+/`;
  const twelve = Array.from({ length: 12 }, (_, i) => `/p${10 + i}.html`).join(" ");
  const lines = [urls, "  pages: / /b%20%C3%BC.html", urls, `  pages: ${twelve} and 8 more`, urls, urls, urls];
  expect(server.stdout).toMatch(new RegExp(`^${lines.join("\n")}\n$`));
});

describe("--keep-going and an address that can't be bound", () => {
  test("the others are served, and the one is named with its place", async () => {
    const server = new ServerProcess({
      configuration:
        "server { listen 127.0.0.1:0; return 200 one; }\nserver { listen 203.0.113.9:80; return 200 two; }\n",
      args: ["--keep-going"],
      addresses: 1,
    });
    await server.start();
    check(await ask(server.port, get("/")), { status: 200, body: "one" });
    await server.stop();
    expect(server.stderr).toMatch(/:2:17: error: bind\(\) to 203\.0\.113\.9:80 failed \(99: /);
  });
});

test("-T is whole however slowly it is read", async () => {
  writeFileSync(join(folder, "conf/long.conf"), `${GOOD}${"# a comment that fills a line\n".repeat(10_000)}`);
  const child = spawn("sh", ["-c", '"$@" -T conf/long.conf | (sleep 1; wc -c)', "sh", ...PROGRAM], { cwd: folder });
  let counted = "";
  child.stdout.on("data", (data) => (counted += data));
  await new Promise((resolve) => child.once("close", resolve));
  expect(Number(counted)).toBeGreaterThan(300_000);
});

describe("starts that cannot be: 1, with one clear line", () => {
  const clear = (result: { status: number; stdout: string; stderr: string }, message: RegExp): void => {
    expect([result.status, result.stderr]).toEqual([1, expect.stringMatching(message)]);
    expect(result.stderr.trim().split("\n").length).toBe(1);
  };

  test("a port in use", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => taken.once("listening", resolve));
    const { port } = taken.address() as AddressInfo;
    writeFileSync(join(folder, "conf/taken.conf"), `server { listen 127.0.0.1:${port}; root www; }\n`);
    clear(await cli("conf/taken.conf"), new RegExp(`127\\.0\\.0\\.1:${port}.*Address already in use`, "i"));
    taken.close();
  });

  test("an address of another machine", async () => {
    clear(await cli("conf/foreign.conf"), /192\.0\.2\.1:8080.*Cannot assign requested address/i);
  });

  test.skipIf(isRoot)("a privileged port (skipped as root, who may bind it)", async () => {
    clear(await cli("conf/privileged.conf"), /127\.0\.0\.1:1\b.*Permission denied/i);
  });

  test.skipIf(isRoot)("not: an unreadable root is a warning (skipped as root, who may read all)", async () => {
    chmodSync(join(folder, "www"), 0);
    const { status, stderr } = await cli("-t", "conf/good.conf");
    chmodSync(join(folder, "www"), 0o755);
    expect([status, stderr]).toEqual([
      0,
      expect.stringMatching(/conf\/good\.conf:1:\d+: warning: .*Permission denied/),
    ]);
  });

  test.each([
    ["www/index.html", "is not a folder"],
    ["nowhere", "does not exist"],
  ])("not: root %s is a warning, as such files of nginx are there", async (root, why) => {
    writeFileSync(join(folder, "conf/root.conf"), `server { listen 127.0.0.1:0; root ${root}; }\n`);
    const { status, stderr } = await cli("-t", "conf/root.conf");
    expect([status, stderr]).toEqual([
      0,
      expect.stringMatching(new RegExp(`conf/root\\.conf:1:\\d+: warning: .*${why}`)),
    ]);
  });
});

describe("signals", () => {
  const start = async (): Promise<ServerProcess> => {
    const server = new ServerProcess({ configuration: `pid run.pid;\n${GOOD}`, files: { "www/index.html": "home\n" } });
    await server.start();
    return server;
  };

  test.each(["SIGTERM", "SIGINT", "SIGQUIT"] as const)("%s: a clean stop, 0", async (signal) => {
    const server = await start();
    expect(await server.stop(signal)).toBe(0);
  });

  test("the pid file is there while it runs, and not after", async () => {
    const server = await start();
    const file = join(server.folder, "run.pid");
    expect(Number(readFileSync(file, "utf8"))).toBeGreaterThan(1);
    await server.end();
    expect(existsSync(file)).toBe(false);
    rmSync(server.folder, { recursive: true });
  });

  test.each(["stop", "quit"])("-s %s", async (name) => {
    const server = await start();
    const sent = await run(["-p", server.folder, "-s", name, join(server.folder, "test.conf")]);
    expect([sent.status, sent.stderr]).toEqual([0, ""]);
    expect(await server.exited).toBe(0);
    await server.stop();
  });

  test("-s without a running server says so: 1", async () => {
    writeFileSync(join(folder, "conf/pid.conf"), `pid none.pid;\n${GOOD}`);
    const { status, stderr } = await cli("-s", "stop", "conf/pid.conf");
    expect([status, stderr]).toEqual([1, expect.stringContaining("none.pid")]);
  });
});

describe("worker_rlimit_nofile", () => {
  const REFUSED = /^\S+ \S+ \[alert\] \d+: setrlimit\(RLIMIT_NOFILE, 512\) failed \(1: Operation not permitted\)\n$/;
  /** CAP_SYS_RESOURCE, which root has not in every container (capabilities(7)). */
  const mayRaise = (): boolean => {
    const [, effective] = /^CapEff:\s*(\w+)$/m.exec(readFileSync("/proc/self/status", "utf8"))!;
    return (BigInt(`0x${effective}`) & (1n << 24n)) !== 0n;
  };
  const rows: [name: string, shell: string, limit: number][] = [
    ["lowers the soft limit", "ulimit -Sn 512", 300],
    ["raises it", "ulimit -Sn 300", 512],
    ["leaves it", "ulimit -Sn 300", 300],
  ];
  const started = async (shell: string, limit: number) => {
    const server = new ServerProcess({
      configuration: `worker_rlimit_nofile ${limit};\n${GOOD}`,
      files: { "www/index.html": "home\n" },
      program: ["sh", "-c", `${shell}; exec "$@"`, "sh", ...PROGRAM],
    });
    await server.start();
    const line = /^Max open files +(\d+) +(\d+)/m.exec(readFileSync(`/proc/${server.pid}/limits`, "utf8"))!;
    check(await ask(server.port, get("/")), { status: 200, body: "home\n" });
    await server.stop();
    return { soft: line[1], hard: line[2], stderr: server.stderr };
  };

  test.each(rows)("%s", async (_name, shell, limit) => {
    expect(await started(shell, limit)).toMatchObject({ soft: String(limit), stderr: "" });
  });

  test("beyond the hard limit: raised by who may do that, reported by others, who serve with what they have", async () => {
    const { soft, hard, stderr } = await started("ulimit -n 300", 512);
    if (mayRaise()) expect([soft, hard, stderr]).toEqual(["512", "512", ""]);
    else expect([soft, hard, stderr]).toEqual(["300", "300", expect.stringMatching(REFUSED)]);
  });
});

test("explain: the program's own, with its exit statuses", async () => {
  const said = await run(["explain", "--json", join(folder, "conf/good.conf"), "/index.html"]);
  expect([said.status, said.stderr]).toEqual([0, ""]);
  expect(JSON.parse(said.stdout)).toMatchObject({ reply: { status: 200 }, file: join(folder, "www/index.html") });
  expect((await run(["explain", join(folder, "conf/bad.conf"), "/"])).status).toBe(1);
  expect((await run(["explain", "--nonsense"])).status).toBe(2);
});
