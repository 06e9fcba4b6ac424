/** Scripts that take too long, clients that leave, and what becomes of the process groups. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { check } from "./cases.ts";
import { ask, Client, get } from "./client.ts";
import { leavesNothing, runs, TEXT, untilEnded, untilLogged, untilWritten, useScripts } from "./scripts.ts";
import { head, withBody } from "./upload-requests.ts";

setDefaultTimeout(60_000);

/** Writes the numbers of the shell and of a child of it, where the test can find them, to a file named by the query. */
const TELL = `sleep 300 & echo "$$ $!" > "$DOCUMENT_ROOT/../new-$QUERY_STRING"; mv "$DOCUMENT_ROOT/../new-$QUERY_STRING" "$DOCUMENT_ROOT/../$QUERY_STRING"`;

const server = useScripts({
  directives: "cgi_timeout 2s; location /patient/ { cgi_timeout 60s; client_body_buffer_size 4; }",
  scripts: {
    "silent.sh": `${TELL}; wait`,
    "stuck.sh": `${TEXT}; printf begun; ${TELL}; wait`,
    "deaf.sh": `trap '' TERM; ${TELL}; while :; do sleep 1; done`,
    "steady.sh": `${TEXT}; for i in $(seq 25); do printf .; sleep 0.1; done`,
    "reads.sh": `${TEXT}; exec wc -c`,
    "much.sh": `${TEXT}; exec head -c 20000000 /dev/zero`,
    "patient/silent.sh": `${TELL}; wait`,
    "patient/stuck.sh": `${TEXT}; printf begun; ${TELL}; wait`,
    "patient/deaf.sh": `trap '' TERM; ${TELL}; while :; do sleep 1; done`,
    "patient/endless.sh": `${TELL}; ${TEXT}; exec cat /dev/zero`,
    "patient/reading.sh": `${TELL}; ${TEXT}; cat > /dev/null; wait`,
    "patient/later.sh": `${TELL}; ${TEXT}; sleep 0.7; printf done; kill $!`,
    "patient/quick.sh": `${TEXT}; printf quick`,
  },
});

/** The two processes of a script that told them. */
async function group(name: string): Promise<[script: number, child: number]> {
  const [line] = await untilWritten(server, name);
  const [script, child] = line!.split(" ").map(Number);
  return [script!, child!];
}

describe("cgi_timeout", () => {
  test("before the header block it is 504, and the whole group is ended", async () => {
    check(await ask(server.port, get("/silent.sh?silent")), {
      status: 504,
      fields: { "content-type": /text\/html.*/ },
    });
    await untilEnded(...(await group("silent")));
  });

  test("behind it the connection is cut, so that the reply is not taken for whole", async () => {
    const client = await Client.connect(server.port);
    void client.send(get("/stuck.sh?stuck"));
    const bytes = (await client.rest()).toString("latin1");
    expect(bytes).toMatch(/^HTTP\/1\.1 200 [\s\S]*\r\n\r\n5\r\nbegun\r\n$/);
    await untilEnded(...(await group("stuck")));
  });

  test("a script that ignores SIGTERM gets 504 as soon, and SIGKILL 5 s later", async () => {
    const begun = performance.now();
    check(await ask(server.port, get("/deaf.sh?deaf")), { status: 504 });
    const [script, child] = await group("deaf");
    expect([runs(script), runs(child)]).toEqual([true, true]);
    await untilEnded(script, child);
    expect(performance.now() - begun).toBeGreaterThan(6900);
  });

  test("both are in the error log", async () => {
    await untilLogged(server, /\[error\].*script ".*\/silent\.sh" made no progress.*client: 127/);
    await untilLogged(server, /\[error\].*script ".*\/stuck\.sh": made no progress.*client: 127/);
  });

  test("is not the whole time: a script that goes on is left alone, here for longer than that", async () => {
    check(await ask(server.port, get("/steady.sh")), { status: 200, body: ".".repeat(25) });
  });

  test("does not count while the script waits for a client that sends slowly", async () => {
    const client = await Client.connect(server.port);
    void client.send(head("POST", "/reads.sh", 10));
    void client.send("12345");
    await Bun.sleep(3000);
    void client.send("67890");
    check(await client.reply("POST"), { status: 200, body: /^\s*10\n$/ });
    client.destroy();
  });

  test("does not count while the script waits for a client that reads slowly", async () => {
    const client = await Client.connect(server.port);
    client.socket.pause();
    void client.send(get("/much.sh"));
    await Bun.sleep(3000);
    client.socket.resume();
    expect((await client.reply()).body.length).toBe(20_000_000);
    client.destroy();
  });
});

describe("a client that leaves", () => {
  const ways: [when: string, path: string, leave: (client: Client, name: string) => Promise<void>][] = [
    ["before the header block", "/patient/silent.sh", async () => {}],
    [
      "behind the header block",
      "/patient/stuck.sh",
      (client) => client.until(() => client.pending.includes("begun"), "output"),
    ],
    [
      "in the middle of much output",
      "/patient/endless.sh",
      (client) => client.until(() => client.pending.length > 1e6, "output"),
    ],
  ];

  test.each(ways)("%s takes the whole group with it", async (when, path, leave) => {
    const name = `left-${ways.findIndex(([other]) => other === when)}`;
    const client = await Client.connect(server.port);
    void client.send(get(`${path}?${name}`));
    const pids = await group(name);
    await leave(client, name);
    client.reset();
    await untilEnded(...pids);
  });

  test.each([0, 5])("in the middle of its body (chunks of %d), too", async (chunk) => {
    const client = await Client.connect(server.port);
    void client.send(head("POST", `/patient/reading.sh?body-${chunk}`, 100_000, { chunk }));
    if (chunk > 0) {
      void client.send(`5\r\nfives\r\n`);
      check(await ask(server.port, get("/patient/quick.sh")), { status: 200 }); // begun and ended after that request
      client.reset();
      check(await ask(server.port, get("/patient/quick.sh")), { status: 200 });
      expect(existsSync(join(server.folder, `body-${chunk}`))).toBe(false); // its script waits for the whole body
      return;
    }
    void client.send("some of it");
    const pids = await group(`body-${chunk}`);
    client.reset();
    await untilEnded(...pids);
  });

  test("before a whole body that the script does not read", async () => {
    const client = await Client.connect(server.port);
    void client.send(withBody("POST", "/patient/silent.sh?unread", "x".repeat(1_000_000)));
    const pids = await group("unread");
    client.reset();
    await untilEnded(...pids);
  });

  test("a script that ignores SIGTERM is killed 5 s later", async () => {
    const client = await Client.connect(server.port);
    void client.send(get("/patient/deaf.sh?left-deaf"));
    const pids = await group("left-deaf");
    client.reset();
    await untilEnded(...pids);
  });

  test("one that only shuts its sending side has not left", async () => {
    const client = await Client.connect(server.port);
    void client.send(get("/patient/later.sh?half"));
    await group("half");
    client.finish();
    check(await client.reply(), { status: 200, body: "done" });
    client.destroy();
  });

  test("and others are served meanwhile", async () => {
    const leaving = await Client.connect(server.port);
    void leaving.send(get("/patient/endless.sh?endless"));
    leaving.socket.pause();
    const pids = await group("endless");
    for (let i = 0; i < 10; i++)
      check(await ask(server.port, get("/patient/quick.sh")), { status: 200, body: "quick" });
    leaving.reset();
    await untilEnded(...pids);
  });
});

leavesNothing(server);
