/** The comparisons of CPU time per request: what is asked of whom, and the largest ratio that is good enough. */
import type { Comparison } from "../compare.ts";
import type { RunningServer } from "../servers/server.ts";

const ORIGINS = ["webserv", "nginx", "lighttpd", "Bun.serve"];
const EVERYBODY = [...ORIGINS, "floor"];
const LOGGING = ["webserv", "nginx", "lighttpd"];

export const COMPARISONS: readonly Comparison[] = [
  {
    scenario: "small",
    title: "1 KB file, keep-alive, no log",
    load: {},
    families: EVERYBODY,
    musts: { nginx: 0.75, "Bun.serve": 1.0, floor: 1.3 },
  },
  {
    scenario: "pipeline",
    title: "1 KB file, 16 pipelined, no log",
    load: { pipelined: 16, requests: 200_000 },
    families: EVERYBODY,
    musts: { nginx: 0.35 },
  },
  {
    scenario: "log",
    title: "1 KB file, keep-alive, buffered access log",
    load: {},
    log: true,
    families: LOGGING,
    musts: { nginx: 0.85 },
  },
  {
    scenario: "misc",
    title: "404 for what is missing",
    load: { paths: ["/missing.html"], expects: 4 },
    families: ORIGINS,
    musts: { nginx: 0.9 },
  },
  {
    scenario: "misc",
    title: "304 to If-None-Match with the server's own ETag",
    load: { expects: 3 },
    families: ORIGINS,
    musts: { nginx: 0.9 },
    headers: ownEntityTag,
  },
  {
    scenario: "misc",
    title: "301 for a folder without its slash",
    load: { paths: ["/folder"], expects: 3 },
    families: ORIGINS,
    musts: { nginx: 0.9 },
  },
  {
    scenario: "large",
    title: "100 KB file",
    load: { paths: ["/100k.html"], requests: 20_000 },
    families: ORIGINS,
    musts: { nginx: 0.95 },
  },
  {
    scenario: "large",
    title: "10 MB file, 16 clients",
    load: { paths: ["/10m.html"], requests: 600, clients: 16 },
    families: ORIGINS,
    musts: { nginx: 1.0 },
  },
  {
    scenario: "connect",
    title: "1 KB file, a new connection per request",
    load: { connect: true, requests: 20_000 },
    families: ORIGINS,
    musts: { nginx: 1.0 },
  },
];

async function ownEntityTag(server: RunningServer): Promise<string[]> {
  const reply = await fetch(`http://127.0.0.1:${server.port}/1k.html`, { keepalive: false });
  const tag = reply.headers.get("etag");
  await reply.bytes();
  if (tag === null) throw new Error(`${server.peer.name} sends no ETag`);
  return [`If-None-Match: ${tag}`];
}
