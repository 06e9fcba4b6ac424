/** Wire tests that read like cases: a request's text, the reply it must get. */
import { expect, test } from "bun:test";
import { Client, type Reply } from "./client.ts";
import type { ServerProcess } from "./server.ts";

export interface Expected {
  readonly status: number;
  /** Name to value, a pattern it matches, or null: the reply must not have the field. */
  readonly fields?: Record<string, string | RegExp | null>;
  readonly body?: string | RegExp;
  /** The connection must end after the reply; false: it must answer another request. Default: what the reply says. */
  readonly closes?: boolean;
}

/** Checks a reply against what is expected of it. */
export function check(reply: Reply, expected: Expected): void {
  expect(reply.statusLine).toStartWith(`HTTP/1.1 ${expected.status} `);
  for (const [name, value] of Object.entries(expected.fields ?? {})) {
    const got = reply.field(name);
    if (value === null) expect(`${name}: ${got}`).toBe(`${name}: undefined`);
    else if (value instanceof RegExp)
      expect(`${name}: ${got}`).toMatch(new RegExp(`^${name}: ${value.source}$`, value.flags));
    else expect(`${name}: ${got}`).toBe(`${name}: ${value}`);
  }
  if (typeof expected.body === "string") expect(reply.text).toBe(expected.body);
  else if (expected.body) expect(reply.text).toMatch(expected.body);
}

const PROBE = "GET /-probe- HTTP/1.1\r\nHost: probe\r\n\r\n";

/**
 * Asks on a new connection, then sends a probe: a connection that closes must not answer it, any other answers it next,
 * so that not a byte lies between the two replies.
 */
export async function exchange(to: number, request: string | Uint8Array, expected: Expected): Promise<Reply> {
  const client = await Client.connect(to);
  try {
    const reply = await client.ask(request);
    check(reply, expected);
    if (expected.closes ?? reply.field("connection") === "close") {
      void client.send(PROBE);
      expect((await client.rest()).toString("latin1")).toBe("");
    } else {
      expect((await client.ask(PROBE)).status).toBeGreaterThan(199);
    }
    return reply;
  } finally {
    client.destroy();
  }
}

/** A test named `name`: this request gets this reply. */
export function answers(server: ServerProcess, name: string, request: string | Uint8Array, expected: Expected): void {
  test(name, async () => {
    await exchange(server.port, request, expected);
  });
}
