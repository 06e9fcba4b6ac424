/** Reload (SIGHUP): new requests meet the new configuration, those in progress end in the old one, and nothing is lost. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ask, Client, get, type Reply } from "./client.ts";
import { freePort } from "./free-ports.ts";
import { run, ServerProcess, type Site, until } from "./server.ts";

setDefaultTimeout(60_000);

const MAIN = "pid run.pid; error_log stderr notice;\n";

/** A server whose configuration the test replaces. */
class Reloaded extends ServerProcess {
  private done = 0;

  write(configuration: string): void {
    writeFileSync(join(this.folder, "test.conf"), MAIN + configuration);
  }

  /** Reloads with another configuration, and waits for what the log says of it: the text behind "reconfigured", "" when it was refused. */
  async reload(configuration: string): Promise<string> {
    this.write(configuration);
    return this.hangUp();
  }

  async hangUp(): Promise<string> {
    process.kill(this.pid, "SIGHUP");
    const said = (): RegExpMatchArray[] => [...this.stderr.matchAll(/^.*(?:reconfigured: (.*)|reload refused.*)\n/gm)];
    await until(
      () => said().length > this.done,
      () => this.stderr,
    );
    return said()[this.done++]![1] ?? "";
  }
}

async function withServer(site: Site, use: (server: Reloaded) => Promise<void>): Promise<void> {
  const server = new Reloaded({ ...site, configuration: MAIN + (site.configuration ?? "") });
  try {
    await server.start();
    await use(server);
  } finally {
    await server.stop();
  }
}

const says = (text: string): string => `server { listen 127.0.0.1:0; location / { return 200 ${text}; } }\n`;
/** The same by a variable of a table. */
const mapped = (text: string): string => `map $uri $said { default ${text}; }\n${says("$said")}`;
const portsIn = (text: string): number[] => [...text.matchAll(/:(\d+)\//g)].map(([, port]) => Number(port));
/** A port as /proc/net/tcp shows it. */
const hex = (port: number): string => port.toString(16).toUpperCase().padStart(4, "0");
const descriptors = ({ pid }: ServerProcess): number => readdirSync(`/proc/${pid}/fd`).length;
const body = async (reply: Promise<Reply>): Promise<string> => (await reply).text;

test("new requests meet the new configuration, on new connections and on open ones, at the same port", () =>
  withServer({ configuration: mapped("old") }, async (server) => {
    const open = await Client.connect(server.port);
    expect(await body(open.ask(get("/")))).toBe("old");
    expect(portsIn(await server.reload(mapped("new")))).toEqual([server.port]);
    expect(await body(open.ask(get("/")))).toBe("new");
    expect(await body(ask(server.port, get("/")))).toBe("new");
    open.destroy();
  }));

test("an idle server reloads without waiting for an event; the next request on an open connection meets the new configuration", () =>
  withServer({ configuration: says("old") }, async (server) => {
    const open = await Client.connect(server.port);
    expect(await body(open.ask(get("/")))).toBe("old");
    server.write(says("new"));
    await server.hangUp(); // until the log tells of it: no request wakes the server meanwhile
    expect(await body(open.ask(get("/")))).toBe("new");
    open.destroy();
  }));

test("-s reload, from another folder and with what the command line said at the start", () =>
  withServer({ configuration: says("old"), args: ["-g", "worker_connections 100;"] }, async (server) => {
    server.write(says("new"));
    const sent = await run(["-p", server.folder, "-s", "reload", join(server.folder, "test.conf")], "/");
    expect([sent.status, sent.stderr]).toEqual([0, ""]);
    await until(
      () => server.stderr.includes("reconfigured"),
      () => server.stderr,
    );
    expect(await body(ask(server.port, get("/")))).toBe("new");
  }));

test("a configuration without a server, as an editor leaves the file for a moment, is refused", () =>
  withServer({ configuration: says("old") }, async (server) => {
    expect(await server.reload("# nothing here yet\n")).toBe("");
    expect(server.stderr).toMatch(/\[emerg\] .*error: .*test\.conf has no "server" block any more/);
    expect(await body(ask(server.port, get("/")))).toBe("old");
  }));

test("of a bad configuration every error is a line in the log, and the old one stays", () =>
  withServer({ configuration: says("old") }, async (server) => {
    const bad = 'server {\n  listne 80;\n  root "";\n  autoindex maybe;\n}\n';
    expect(await server.reload(bad)).toBe("");
    for (const line of [3, 5]) {
      expect(server.stderr).toMatch(new RegExp(`\\[emerg\\] \\d+: ${server.folder}/test\\.conf:${line}:\\d+: error: `));
    }
    expect(await body(ask(server.port, get("/")))).toBe("old");
    expect(await server.reload(says("new"))).not.toBe("");
    expect(await body(ask(server.port, get("/")))).toBe("new");
  }));

describe("what can't be opened refuses all of it", () => {
  const rows: [name: string, configuration: string, why: RegExp][] = [
    ["an address", `server { listen 127.0.0.1:0; listen 192.0.2.1:80; }\n${says("new")}`, /error: .*bind\(\) to 192/],
    ["a log", `access_log none/access.log;\n${says("new")}`, /error: .*open\(\) ".*none\/access\.log"/],
  ];
  test.each(rows)("%s", (_name, configuration, why) =>
    withServer({ configuration: says("old") }, async (server) => {
      const before = descriptors(server);
      expect(await server.reload(configuration)).toBe("");
      expect(server.stderr).toMatch(why);
      expect(await body(ask(server.port, get("/")))).toBe("old");
      expect(descriptors(server)).toBe(before);
    }),
  );

  test("with --keep-going the rest is served", () =>
    withServer({ configuration: says("old"), args: ["--keep-going"] }, async (server) => {
      const ports = portsIn(await server.reload(`server { listen 192.0.2.1:80; }\n${says("new")}`));
      expect(ports).toEqual([server.port]);
      expect(await body(ask(server.port, get("/")))).toBe("new");
    }));
});

test("a listener is added, and closed again with its idle connections", () =>
  withServer({ configuration: says("old") }, async (server) => {
    const two = `${says("here")}server { listen 127.0.0.2:0; location / { return 200 there; } }\n`;
    const [, added] = portsIn(await server.reload(two));
    const elsewhere = `http://127.0.0.2:${added}/`;
    expect(await (await fetch(elsewhere)).text()).toBe("there");
    await server.reload(says("here"));
    await until(
      () => !readFileSync(`/proc/${server.pid}/net/tcp`, "latin1").includes(`:${hex(added!)} 00000000:0000 0A`),
      () => "it still listens",
    );
    expect(fetch(elsewhere)).rejects.toThrow();
    expect(await body(ask(server.port, get("/")))).toBe("here");
  }));

test("a wildcard and addresses of its port take turns, and connections go on", () =>
  withServer({ configuration: says("elsewhere") }, async (server) => {
    const port = await freePort();
    const at = (...servers: [string, string][]): string =>
      servers.map(([address, text]) => `server { listen ${address}:${port}; return 200 ${text}; }\n`).join("");
    await server.reload(at(["127.0.0.1", "one"]));
    const open = await Client.connect(port);
    expect(await body(open.ask(get("/")))).toBe("one");
    for (const [configuration, here] of [
      [at(["0.0.0.0", "all"], ["127.0.0.1", "two"]), "two"],
      [at(["0.0.0.0", "all"], ["127.0.0.1", "three"]), "three"],
      [at(["127.0.0.1", "four"]), "four"],
    ] as const) {
      expect(await server.reload(configuration)).not.toBe("");
      expect(await body(open.ask(get("/")))).toBe(here);
      expect(await body(ask(port, get("/")))).toBe(here);
    }
    // From one that the wildcard stands for to one with a socket of its own.
    await server.reload(at(["0.0.0.0", "all"]));
    expect(await body(ask(port, get("/")))).toBe("all");
    await server.reload(at(["127.0.0.1", "five"]));
    expect(await body(ask(port, get("/")))).toBe("five");
    open.destroy();
  }));

test("a download in progress ends in the old configuration, of which nothing is left then", () =>
  withServer(
    { configuration: "server { listen 127.0.0.1:0; root www; }\n", files: { "www/big": { size: 3e7 } } },
    async (server) => {
      const before = descriptors(server);
      const slow = await Client.connect(server.port);
      await slow.send(get("/big"));
      await slow.until(() => slow.pending.length > 0, "the beginning");
      slow.socket.pause();
      await server.reload(says("new"));
      expect(await body(ask(server.port, get("/big")))).toBe("new");
      slow.socket.resume();
      expect((await slow.reply()).body.length).toBe(3e7);
      expect(await body(slow.ask(get("/big")))).toBe("new");
      slow.destroy();
      await until(
        () => descriptors(server) <= before,
        () => `${descriptors(server)} descriptors, ${before} before`,
      );
    },
  ));

test("a script in progress ends in the old configuration", () => {
  const scripts = "server { listen 127.0.0.1:0; root www; cgi .sh /bin/sh; }\n";
  const wait = 'while [ ! -e ../go ]; do sleep 0.02; done; printf "Content-Type: text/plain\\n\\nscript"\n';
  return withServer({ configuration: scripts, files: { "www/a.sh": `touch ../began\n${wait}` } }, async (server) => {
    const client = await Client.connect(server.port);
    await client.send(get("/a.sh"));
    await until(
      () => existsSync(join(server.folder, "began")),
      () => server.stderr,
    );
    await server.reload(says("new"));
    writeFileSync(join(server.folder, "go"), "");
    expect((await client.reply()).text).toBe("script");
    client.destroy();
  });
});

test("sessions in memory survive", () => {
  const sessions = (text: string): string =>
    `server { listen 127.0.0.1:0; session on; location / { return 200 ${text}; } location /session { session_api; } }\n`;
  return withServer({ configuration: sessions("old") }, async (server) => {
    const patch = "POST /session HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 7\r\n";
    const first = await ask(server.port, `${patch}\r\n{"a":1}`);
    const Cookie = first.field("set-cookie")!.split(";")[0]!;
    await server.reload(sessions("new"));
    expect(await body(ask(server.port, get("/session", { Cookie })))).toContain('"a":1');
    expect((await ask(server.port, get("/", { Cookie }))).field("set-cookie")).toBeUndefined();
  });
});

test("a resumable upload goes on, also one that was being sent", () => {
  const uploads = (more: string): string =>
    `server { listen 127.0.0.1:0; location /up/ { upload_store up; ${more} } }\n`;
  return withServer({ configuration: uploads(""), files: { "up/": "" } }, async (server) => {
    const name = Buffer.from("a.txt").toString("base64");
    const tus = (method: string, path: string, fields: string): string =>
      `${method} ${path} HTTP/1.1\r\nHost: a\r\nTus-Resumable: 1.0.0\r\n${fields}\r\n`;
    const made = await ask(
      server.port,
      tus("POST", "/up/", `Upload-Length: 10\r\nUpload-Metadata: filename ${name}\r\n`),
    );
    const path = new URL(made.field("location")!, "http://a").pathname;
    const part = (offset: number, length: number): string =>
      tus(
        "PATCH",
        path,
        `Upload-Offset: ${offset}\r\nContent-Type: application/offset+octet-stream\r\nContent-Length: ${length}\r\n`,
      );
    const sender = await Client.connect(server.port);
    await sender.send(`${part(0, 5)}12`);
    await server.reload(uploads("autoindex on;"));
    await sender.send("345");
    expect((await sender.reply("PATCH")).field("upload-offset")).toBe("5");
    sender.destroy();
    expect((await ask(server.port, `${part(5, 5)}67890`)).status).toBe(204);
    expect(readFileSync(join(server.folder, "up/a.txt"), "latin1")).toBe("1234567890");
  });
});

describe("logs", () => {
  const logged = (file: string): string => `access_log ${file};\n${says("text")}`;
  const read = (server: ServerProcess, file: string): string => {
    const path = join(server.folder, file);
    return existsSync(path) ? readFileSync(path, "latin1") : "";
  };
  const lines = (server: ServerProcess, file: string): number => read(server, file).split("\n").length - 1;

  test("go to another file, and the one before is closed", () =>
    withServer({ configuration: logged("a.log") }, async (server) => {
      await ask(server.port, get("/"));
      const before = descriptors(server);
      await server.reload(logged("b.log"));
      expect(lines(server, "a.log")).toBe(1);
      await ask(server.port, get("/"));
      expect(descriptors(server)).toBe(before);
      await server.reload(logged("b.log")); // a file that stays is written, too
      expect([lines(server, "a.log"), lines(server, "b.log")]).toEqual([1, 1]);
    }));

  test("are opened anew, as by SIGUSR1 before and after", () =>
    withServer({ configuration: logged("a.log") }, async (server) => {
      await ask(server.port, get("/"));
      renameSync(join(server.folder, "a.log"), join(server.folder, "a.log.1"));
      await server.reload(logged("a.log"));
      await ask(server.port, get("/"));
      renameSync(join(server.folder, "a.log"), join(server.folder, "a.log.2"));
      process.kill(server.pid, "SIGUSR1");
      await until(
        () => existsSync(join(server.folder, "a.log")),
        () => server.stderr,
      );
      await ask(server.port, get("/"));
      await server.hangUp();
      expect(["a.log.1", "a.log.2", "a.log"].map((file) => lines(server, file))).toEqual([1, 1, 1]);
    }));
});

test("the pid file moves", () =>
  withServer({ configuration: says("old") }, async (server) => {
    writeFileSync(join(server.folder, "test.conf"), `pid other.pid; error_log stderr notice;\n${says("new")}`);
    await server.hangUp();
    expect(existsSync(join(server.folder, "run.pid"))).toBe(false);
    expect(Number(readFileSync(join(server.folder, "other.pid"), "latin1"))).toBe(server.pid);
  }));

test("a configuration that is refused touches no file, not even the one it names as its pid file", () =>
  withServer({ configuration: says("old") }, async (server) => {
    const precious = join(server.folder, "precious.txt");
    writeFileSync(precious, "keep me");
    const refused = `pid precious.txt; error_log stderr notice; access_log none/a.log;\n${says("new")}`;
    writeFileSync(join(server.folder, "test.conf"), refused);
    await server.hangUp();
    expect(await body(ask(server.port, get("/")))).toBe("old");
    expect(readFileSync(precious, "latin1")).toBe("keep me");
    expect(Number(readFileSync(join(server.folder, "run.pid"), "latin1"))).toBe(server.pid);
  }));

test("quit while an old configuration drains: its download ends first", () =>
  withServer(
    { configuration: "server { listen 127.0.0.1:0; root www; }\n", files: { "www/big": { size: 3e7 } } },
    async (server) => {
      const slow = await Client.connect(server.port);
      await slow.send(get("/big", { Connection: "close" }));
      await slow.until(() => slow.pending.length > 0, "the beginning");
      slow.socket.pause();
      await server.reload(says("new"));
      process.kill(server.pid, "SIGQUIT");
      slow.socket.resume();
      expect((await slow.reply()).body.length).toBe(3e7);
      slow.destroy();
      expect(await server.exited).toBe(0);
    },
  ));

test("100 reloads lose no request and leave no descriptor", () =>
  withServer({ configuration: `keepalive_requests 10000000;\n${says("text")}` }, async (server) => {
    const before = descriptors(server);
    let over = false;
    let replies = 0;
    const one = async (ask: () => Promise<Reply>): Promise<void> => {
      while (!over) {
        const reply = await ask();
        if (reply.status !== 200) throw new Error(reply.head);
        replies++;
      }
    };
    const open = await Client.connect(server.port);
    const loops = [one(() => open.ask(get("/"))), one(() => ask(server.port, get("/")))];
    for (let i = 0; i < 100; i++) await Promise.race([server.hangUp(), ...loops]);
    over = true;
    await Promise.all(loops);
    open.destroy();
    expect(replies).toBeGreaterThan(100);
    await until(
      () => descriptors(server) <= before,
      () => `${descriptors(server)} descriptors, ${before} before`,
    );
  }));
