/**
 * A password whose hash takes a long time, beside 50 clients of static files. Counted, not timed: every static request is
 * answered in the turn of the loop in which it is read, and no turn does more than its share of a hash.
 */
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkBcrypt } from "../../../ffi/bcrypt.ts";
import { linux } from "../../../ffi/linux.ts";
import { loadConfig } from "../../../src/config/load.ts";
import { VARIABLES } from "../../../src/exchange/variables/variables.ts";
import { Server } from "../../../src/server/server.ts";

const CLIENTS = 50;
const PASSWORD = "correct horse";
/** Rounds of the slow hash in the loop, and how many a turn may do at most. */
const ROUNDS = 200_000;
const ROUNDS_PER_TURN = 500;
/** Made by crypt(3). */
const SHA512 =
  "$6$rounds=200000$salt$gPeKUwNpc99iM4tqcASqIMBeA.LKSOUQvRauj1kqpp1RC3tfMPKklyljel65kw.hyvRx5B.xae3x.YodK3rOh1";

const folder = mkdtempSync(join(tmpdir(), "webserv-slow-"));
afterAll(() => rmSync(folder, { recursive: true }));
writeFileSync(join(folder, "a.txt"), "static\n");
writeFileSync(
  join(folder, "test.conf"),
  `server {
    listen 127.0.0.1:0; root ${folder};
    location /closed/ { alias ${folder}/; auth_basic "x"; auth_basic_user_file ${folder}/users; }
  }`,
);

/** The server, whose turns are counted, and in which of them each client's request was read. */
class Counted {
  turns = 0;
  /** Turns between the arrival of a request and its reply: the most there were. */
  longestWait = 0;
  replies = 0;
  /** The descriptor of the client that waits for its hash. */
  private slow = -1;
  private readonly readIn = new Map<number, number>();
  private readonly server: Server;
  private readonly pump: Timer;
  readonly port: number;

  constructor() {
    const kernel = {
      ...linux,
      recv: (...args: Parameters<typeof linux.recv>): number => {
        const n = linux.recv(...args);
        if (n > 0) this.readIn.set(args[0], this.turns);
        if (n > 0 && args[1].bytes.latin1Slice(args[2], args[2] + n).includes("/closed/")) this.slow = args[0];
        return n;
      },
      send: (...args: Parameters<typeof linux.send>): number => {
        this.replies++;
        const wait = this.turns - this.readIn.get(args[0])!;
        if (args[0] !== this.slow) this.longestWait = Math.max(this.longestWait, wait);
        return linux.send(...args);
      },
    };
    const { config } = loadConfig({ kernel, variables: VARIABLES, file: join(folder, "test.conf") });
    this.server = new Server(kernel, config!, "webserv", {}, checkBcrypt);
    expect(this.server.start()).toEqual([]);
    this.port = Number(new URL(this.server.sites[0]!.url).port);
    this.pump = setInterval(() => {
      this.turns++;
      this.server.reactor.turn(0);
    }, 0);
  }

  stop(): void {
    clearInterval(this.pump);
    this.server.stop();
  }
}

/** Asks again as soon as it has its answer. */
function staticClient(port: number): Socket {
  const socket = connect({ host: "127.0.0.1", port });
  const request = (): boolean => socket.write("GET /a.txt HTTP/1.1\r\nHost: x\r\n\r\n");
  return socket
    .on("connect", request)
    .on("data", request)
    .on("error", () => {});
}

/** The status of the reply to a request with the password. */
function slowClient(port: number): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const socket = connect({ host: "127.0.0.1", port });
  const field = `Authorization: Basic ${btoa(`ann:${PASSWORD}`)}`;
  socket.on("connect", () => socket.write(`GET /closed/a.txt HTTP/1.1\r\nHost: x\r\n${field}\r\n\r\n`));
  socket.on("data", (data) => {
    resolve(data.toString("latin1", 9, 12));
    socket.destroy();
  });
  return promise;
}

async function beside(hash: string): Promise<{ status: string; turns: number; replies: number; longestWait: number }> {
  writeFileSync(join(folder, "users"), `ann:${hash}\n`);
  const counted = new Counted();
  const clients = Array.from({ length: CLIENTS }, () => staticClient(counted.port));
  while (counted.replies < CLIENTS) await Bun.sleep(1);
  const [turns, replies] = [counted.turns, counted.replies];
  const status = await slowClient(counted.port);
  const result = {
    status,
    turns: counted.turns - turns,
    replies: counted.replies - replies,
    longestWait: counted.longestWait,
  };
  for (const client of clients) client.destroy();
  counted.stop();
  return result;
}

test("bcrypt at cost 12 beside 50 static clients: each is answered in the turn that reads its request", async () => {
  const { status, replies, longestWait } = await beside(
    await Bun.password.hash(PASSWORD, { algorithm: "bcrypt", cost: 12 }),
  );
  expect(status).toBe("200");
  expect(replies).toBeGreaterThan(CLIENTS);
  expect(longestWait).toBe(0);
});

test(`SHA-512 of ${ROUNDS} rounds, in the loop: the same, and at most ${ROUNDS_PER_TURN} rounds a turn`, async () => {
  const { status, turns, replies, longestWait } = await beside(SHA512);
  expect(status).toBe("200");
  expect(turns).toBeGreaterThanOrEqual(ROUNDS / ROUNDS_PER_TURN);
  expect(replies).toBeGreaterThan(CLIENTS);
  expect(longestWait).toBe(0);
});
