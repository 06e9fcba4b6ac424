/** 233 raw requests from the public suites of llhttp, gunicorn and picohttpparser (test/vectors), each on its own connection. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Client, readReply } from "./client.ts";
import { useServer } from "./server.ts";

setDefaultTimeout(60_000);

interface Vector {
  readonly id: string;
  readonly source: string;
  readonly expect: "accept" | "reject" | "reject_or_close" | "reject_or_wait" | "wait" | "either";
  /** How many requests there are in it. */
  readonly n: number;
  /** False: more bytes would have to follow. */
  readonly complete: boolean;
  /** The client shuts its sending side after the last byte. */
  readonly halfclose: boolean;
  readonly raw_b64: string;
}

/**
 * Where this server means to differ from the expectation, and on whose word. What is listed here is tested all the same:
 * for the reaction given here.
 */
const DIFFERENCES: Record<string, { readonly expect: Vector["expect"]; readonly because: string }> = {
  "llhttp/sample#10 No HTTP version": {
    expect: "reject",
    because:
      "RFC 9112 §3: request-line = method SP request-target SP HTTP-version. HTTP/0.9 is not served (SPEC.md §3)",
  },
  "llhttp/uri#10 `host:port` and basic auth": {
    expect: "reject",
    because: "RFC 9110 §4.2.4: userinfo in an http URI is an error, as it is in Host (docs/behaviour.md)",
  },
  "gunicorn/valid/rfc9112_target_absolute_userinfo_01": {
    expect: "reject",
    because: "the same",
  },
  "gunicorn/valid/099": {
    expect: "wait",
    because: "it announces 17,914 bytes of body and brings 8,599; RFC 9112 §6.3: such a message is incomplete",
  },
};

const { vectors } = JSON.parse(readFileSync(join(import.meta.dir, "../vectors/vectors.json"), "utf8")) as {
  vectors: Vector[];
};

const expectations = vectors.map((vector) => ({ ...vector, ...DIFFERENCES[vector.id] }));

const server = useServer({
  configuration: `
    large_client_header_buffers 4 4k; # two vectors are about a limit, and this is one they exceed
    server {
      listen 127.0.0.1:0;
      allowed_methods GET HEAD POST PUT DELETE OPTIONS;
      location / { return 200 "ok\\n"; }
    }`,
});

const REFUSALS = new Set([400, 408, 411, 413, 414, 417, 421, 426, 431, 501, 505]);
/** The request was understood; the resource said no. */
const UNDERSTOOD = new Set([401, 403, 404, 405, 406, 412, 415, 416, 501]);
const KNOWN = /^(GET|HEAD|POST|PUT|DELETE|OPTIONS)$/;

type Outcome = "accept" | "reject" | "error" | "closed" | "timeout";

interface Reaction {
  readonly outcome: Outcome;
  readonly statuses: readonly number[];
  readonly isClosed: boolean;
}

/** The methods of the requests in `raw`, as far as lines that look like request lines tell. */
function methodsIn(raw: string): string[] {
  const first = raw.replace(/^[\r\n]+/, "").split(" ", 1)[0]!;
  return [first, ...[...raw.matchAll(/\n([A-Z-]+) [^\r\n]* HTTP\/1/g)].map((match) => match[1]!)];
}

/** The statuses of the final replies in `bytes`. */
function statusesIn(bytes: Buffer, methods: readonly string[], isClosed: boolean): number[] {
  const statuses: number[] = [];
  for (let rest = bytes; rest.length > 0; ) {
    const found = readReply(rest, methods[statuses.length] ?? "GET", isClosed);
    if (found === null) break;
    if (found.reply.status >= 200) statuses.push(found.reply.status);
    rest = rest.subarray(found.end);
  }
  return statuses;
}

function outcomeOf(statuses: readonly number[], isClosed: boolean, method: string): Outcome {
  const first = statuses[0];
  if (first === undefined) return isClosed ? "closed" : "timeout";
  if (first === 501 && !KNOWN.test(method)) return "accept"; // a method nobody knows, in a request that is well framed
  if (REFUSALS.has(first)) return "reject";
  return first >= 500 ? "error" : "accept";
}

/** Whether the reaction is one the vector allows. */
function holds(vector: Vector, { outcome, statuses, isClosed }: Reaction): boolean {
  const isRefused = outcome === "reject" || outcome === "closed";
  switch (vector.expect) {
    case "accept": {
      const answered = statuses.filter((status) => status < 400 || UNDERSTOOD.has(status)).length;
      return (outcome === "accept" && answered >= vector.n) || (!vector.complete && outcome === "timeout");
    }
    case "reject":
      return isRefused || statuses[0] === 501;
    case "reject_or_close":
      return isRefused || (isClosed && statuses.length <= 1);
    case "reject_or_wait":
      return isRefused || outcome === "timeout";
    case "wait":
      return outcome === "timeout";
    case "either":
      return outcome !== "error";
  }
}

/** Sends the vector and watches until the reaction is an allowed one, the server closes, or it says nothing for long enough. */
async function react(vector: Vector): Promise<Reaction> {
  const raw = Buffer.from(vector.raw_b64, "base64");
  const methods = methodsIn(raw.toString("latin1"));
  const mayWait = !vector.complete || vector.expect === "wait" || vector.expect === "reject_or_wait";
  const deadline = Date.now() + (mayWait || vector.expect === "either" ? 1500 : 15_000);
  const client = await Client.connect(server.port);
  void client.send(raw);
  if (vector.halfclose) client.finish();
  for (;;) {
    const statuses = statusesIn(client.pending, methods, client.isClosed);
    const outcome = outcomeOf(statuses, client.isClosed, methods[0]!);
    const reaction = { outcome, statuses, isClosed: client.isClosed };
    const isDone = outcome !== "timeout" && holds(vector, reaction);
    if (isDone || client.isClosed || Date.now() > deadline) {
      client.destroy();
      return reaction;
    }
    await Bun.sleep(10);
  }
}

/** All reactions, 40 connections at a time. */
async function reactAll(): Promise<Map<string, Reaction>> {
  const reactions = new Map<string, Reaction>();
  const queue = [...expectations];
  const worker = async (): Promise<void> => {
    for (let vector = queue.pop(); vector; vector = queue.pop()) reactions.set(vector.id, await react(vector));
  };
  await Promise.all(Array.from({ length: 40 }, worker));
  return reactions;
}

let reactions: Promise<Map<string, Reaction>> | undefined;

describe("vectors", () => {
  test.each(expectations.map((vector) => [vector.id, vector] as const))("%s", async (_id, vector) => {
    reactions ??= reactAll();
    const reaction = (await reactions).get(vector.id)!;
    const text = Buffer.from(vector.raw_b64, "base64").toString("latin1");
    expect(
      holds(vector, reaction)
        ? ""
        : `${vector.expect} expected, ${JSON.stringify(reaction)} to ${JSON.stringify(text)}`,
    ).toBe("");
  });
});
