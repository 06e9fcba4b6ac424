/** 233 raw requests from the public suites of llhttp, gunicorn and picohttpparser (test/vectors), each on its own connection. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ask, Client, get, readReply } from "./client.ts";
import { useServer } from "./server.ts";

setDefaultTimeout(60_000);

interface Vector {
  readonly id: string;
  readonly source: string;
  readonly expect: "accept" | "reject" | "reject_or_close" | "reject_or_wait" | "wait" | "either";
  /** Where given, the first reply has this status, whatever `expect` says. */
  readonly status: number | null;
  /** How many requests there are in it. */
  readonly n: number;
  /** False: more bytes would have to follow. */
  readonly complete: boolean;
  /** The client shuts its sending side after the last byte. */
  readonly halfclose: boolean;
  readonly raw_b64: string;
}

/** The rules that settle what the suites leave open (`either`), each with the status it leads to. */
const FRAGMENT = { status: 400, because: "RFC 9112 §3.2: a request-target has no fragment; a # in it is an error" };
const CODINGS = { status: 501, because: "RFC 9112 §6.1: a transfer coding that the server does not know is 501" };
const METHOD = { status: 400, because: "RFC 9110 §9.1: a method is a token, which is ASCII" };

/**
 * Where the suites leave the reaction open, or this server means to differ from what they expect, and on whose word. What
 * is listed here is tested all the same: for the status or the reaction given here.
 */
const DIFFERENCES: Record<string, Partial<Pick<Vector, "expect" | "status">> & { readonly because: string }> = {
  "llhttp/transfer-encoding#20 POST with `chunked` as last transfer-encoding": FRAGMENT,
  "llhttp/transfer-encoding#21 POST with `chunked` as last transfer-encoding (multiple headers)": FRAGMENT,
  "llhttp/uri#7 Disallow UTF-8 in URI path in strict mode": FRAGMENT,
  "llhttp/uri#8 Fragment in URI": FRAGMENT,
  "gunicorn/valid/005": FRAGMENT,
  "gunicorn/valid/025": CODINGS,
  "gunicorn/valid/025_line": CODINGS,
  "gunicorn/valid/029": CODINGS,
  "gunicorn/valid/030": CODINGS,
  "gunicorn/valid/rfc9112_smuggle_gzip_chunked_01": CODINGS,
  "gunicorn/valid/rfc9112_smuggle_te_identity_chunked_01": CODINGS,
  "gunicorn/invalid/nonascii_01": METHOD,
  "gunicorn/invalid/nonascii_02": METHOD,
  "picohttpparser/4 parse multiline": {
    status: 400,
    because: "RFC 9112 §5.2: a server that refuses obsolete line folding answers 400",
  },
  "picohttpparser/29 accept MSB chars": {
    status: 200,
    because: "RFC 9110 §5.5: obs-text in a value is opaque; raw bytes above 0x7F in a target stay taken, as in nginx",
  },
  "picohttpparser/33 accept multiple spaces between tokens": {
    status: 400,
    because: "RFC 9112 §3: one space between the parts of a request-line; leniency there helps request smuggling",
  },
  "llhttp/sample#10 No HTTP version": {
    expect: "reject",
    because:
      "RFC 9112 §3: request-line = method SP request-target SP HTTP-version. HTTP/0.9 is not served (docs/behaviour.md)",
  },
  "llhttp/uri#10 `host:port` and basic auth": {
    expect: "reject",
    because: "RFC 9110 §4.2.4: userinfo in an http URI is an error, as it is in Host (docs/behaviour.md)",
  },
  "gunicorn/valid/rfc9112_target_absolute_userinfo_01": {
    expect: "reject",
    because: "the same",
  },
  "gunicorn/valid/017": {
    expect: "reject",
    because: "If-Match twice: of two, somebody on the way may believe the other; nginx refuses them since 1.23",
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
  if (vector.status !== null) return statuses[0] === vector.status;
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
      return false; // DIFFERENCES says which
  }
}

/** Requests of others that are answered before a connection without a reply counts as one that waits. */
const PROBES = 5;

/**
 * Sends the vector and watches until the reaction is an allowed one, the server closes, or it says nothing although others
 * who came later have been answered: one thread serves them all, so by then it has read the vector. If it should answer,
 * it is waited for.
 */
async function react(vector: Vector): Promise<Reaction> {
  const raw = Buffer.from(vector.raw_b64, "base64");
  const methods = methodsIn(raw.toString("latin1"));
  const mayWait = !vector.complete || vector.expect === "wait" || vector.expect === "reject_or_wait";
  const client = await Client.connect(server.port);
  await client.send(raw);
  if (vector.halfclose) client.finish();
  const reaction = (): Reaction => {
    const statuses = statusesIn(client.pending, methods, client.isClosed);
    return { outcome: outcomeOf(statuses, client.isClosed, methods[0]!), statuses, isClosed: client.isClosed };
  };
  const isDone = (): boolean => client.isClosed || (reaction().outcome !== "timeout" && holds(vector, reaction()));
  if (mayWait) for (let probe = 0; probe < PROBES && !isDone(); probe++) await ask(server.port, get("/"));
  else await client.until(isDone, "an allowed reaction").catch(() => {});
  client.destroy();
  return reaction();
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
