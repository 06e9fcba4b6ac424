/**
 * Uploads on the virtual clock: slow clients, expiry, and size limits. The configuration (site.ts) says body 8 s, lingering
 * 2 s between reads; the rate counts from 10 s on; store.ts: 1 h for resumable uploads, 100 KB for a body.
 */
import type { Client } from "./client.ts";
import type { Fault } from "./faults.ts";
import { get, pattern, type Request } from "./site.ts";
import { post, postForm, put, Store, UPLOADS } from "./store.ts";
import { ask, create, patch, terminate } from "./tus.ts";
import { simulate } from "./webserv.ts";
import type { World } from "./world.ts";

const FAULTS: readonly Fault[] = ["EAGAIN", "EINTR", "short recv", "short send", "short write"];
const OPTIONS = { seeds: 20, faults: FAULTS, server: UPLOADS, tolerates: [408] };
/** Timers may be late by a turn, and the network needs time. */
const LATE = 800;
const HOUR = 3_600_000;

/** An upload by each method. */
const WAYS: readonly (readonly [string, (store: Store) => Request])[] = [
  ["a PUT", (store) => put("new", store.invents("new", 50_000))],
  ["a PUT in chunks", (store) => put("new", store.invents("new", 50_000), { chunks: 1_000 })],
  ["a POST", (store) => post("new", store.invents("new", 50_000))],
  ["a form", (store) => postForm([{ name: "new", content: store.invents("new", 50_000) }])],
];

/** A client that gets 408 this long after its first byte, and whose file is never published. */
function tooSlow(
  name: string,
  after: number,
  atMost: number,
  script: (client: Client, request: Request) => void,
  faults = FAULTS,
): void {
  for (const [way, make] of WAYS) {
    simulate(`${way} ${name}`, { ...OPTIONS, faults }, (world) => {
      const store = new Store(world);
      const client = world.client({ start: 0, receiveBuffer: 200_000 }).impolitely();
      script(client, make(store));
      world.promises("408", () => String(client.replies.statuses) === "408" || client);
      world.promises("in time", () => (client.kept >= after - 1 && client.kept <= atMost) || client.kept);
      world.promises("no file", () => store.content("new") === null);
    });
  }
}

tooSlow("that stops gets 408", 8_000, 8_000 + LATE, (client, request) => {
  client.begins(request, 20_000).awaitsTheEnd();
});

/** With an unread byte, close(2) sends a reset, and the client may lose the reply. */
const HONEST = FAULTS.filter((fault) => fault !== "EAGAIN");

tooSlow(
  "byte by byte falls below the minimum rate",
  10_000,
  12_000,
  (client, request) => {
    client.begins(request, 400);
    for (let at = 400; at < 430; at++) client.pauses(1_000).raw(request.bytes.subarray(at, at + 1));
    client.awaitsTheEnd();
  },
  HONEST,
);

simulate("an upload that is slow but not too slow is stored", OPTIONS, (world) => {
  world.patient = true;
  const store = new Store(world);
  const content = store.invents("slow", 90_000);
  const request = put("slow", content);
  const client = world.client().begins(request, 20_000);
  for (let at = 20_000; at < request.bytes.length; at += 20_000) {
    client.pauses(7_000).raw(request.bytes.subarray(at, at + 20_000));
  }
  world.promises("stored", () => store.content("slow")?.equals(content) || client);
});

const tooLarge = (request: Request): Request => ({ ...request, early: true, expected: { status: 413, closes: true } });

for (const [way, make] of [
  ["a PUT", (body) => put("big", body)],
  ["a PUT in chunks", (body) => put("big", body, { chunks: 3_000 })],
  ["a POST in chunks", (body) => post("big", body, { chunks: 3_000 })],
  ["a form in chunks", (body) => postForm([{ name: "big", content: body }], { chunks: 3_000 })],
] as readonly (readonly [string, (body: Buffer) => Request])[]) {
  simulate(`${way} that is too large gets 413, and the client can read it while it sends`, OPTIONS, (world) => {
    const store = new Store(world);
    const request = tooLarge(make(pattern(150_000)));
    const client = world
      .client({ latency: world.random.fraction() * 20 })
      .sends(request)
      .awaitsTheEnd();
    world.promises("413", () => String(client.replies.statuses) === "413" || client);
    world.promises("no file", () => store.content("big") === null);
  });
}

/** A client that creates an upload and sends the first `count` bytes; `next` is the rest of its script. */
function begun(world: World, content: Buffer, count: number, next: (client: Client, url: string) => void): Client {
  const client = world.client({ start: 0 });
  client.sends(create({ name: "resumed", content, partial: false, deferred: false })).awaits();
  return client.afterwards(() => {
    const url = client.replies.lastFields.get("location")!;
    client.sends(patch(url, content, 0, count)).awaits();
    next(client, url);
  });
}

/** The names in the staging folder, without the lock. */
const unfinished = (world: World): string[] =>
  [...(world.kernel.files.tree.at("/site/up/.webserv")?.entries.keys() ?? [])].filter(
    (name) => !name.endsWith(".lock"),
  );

simulate("an upload can be resumed an hour after its last byte", { ...OPTIONS, seeds: 5 }, (world) => {
  world.patient = true;
  const store = new Store(world);
  const content = store.invents("resumed", 20_000);
  const client = begun(world, content, 5_000, (client, url) => {
    const later = world.client({ start: HOUR - 10_000 }).sends(ask(url));
    later.sends(patch(url, content, 5_000, content.length));
    client.awaits();
  });
  world.promises("it is there", () => store.content("resumed")?.equals(content) || client);
  world.promises("nothing is left of it", () => unfinished(world).length === 0);
});

simulate("then it is gone, whether anybody asks or not", { ...OPTIONS, seeds: 5 }, (world) => {
  world.patient = true;
  const store = new Store(world);
  const content = store.invents("resumed", 20_000);
  begun(world, content, 5_000, (_client, url) => {
    const gone = { ...ask(url), expected: { status: 404, closes: false } };
    world.client({ start: HOUR + 61_000 }).sends(gone);
    world.at(HOUR - 10_000, () => expectUnfinished(world, 2));
    world.at(HOUR + 61_000, () => expectUnfinished(world, 0));
  });
  world.promises("at each time what should be there was there", () => surprises.get(world) ?? true);
});

const surprises = new WeakMap<World, string>();
function expectUnfinished(world: World, count: number): void {
  const names = unfinished(world);
  if (names.length !== count) surprises.set(world, `${names.length} files, not ${count}: ${names}`);
}

simulate("an upload that is given up is gone at once", OPTIONS, (world) => {
  const store = new Store(world);
  const content = store.invents("resumed", 20_000);
  begun(world, content, 5_000, (client, url) => {
    const gone = { ...ask(url), expected: { status: 404, closes: false } };
    client.sends(terminate(url), gone).gets("/hello.txt");
  });
  world.promises("nothing is left of it", () => unfinished(world).join(", ") || true);
  world.promises("no file", () => store.content("resumed") === null);
});

simulate("a PATCH that stops gets 408, and what came is kept", OPTIONS, (world) => {
  world.patient = true;
  const store = new Store(world);
  const content = store.invents("resumed", 20_000);
  const first = begun(world, content, 5_000, (client, url) => {
    const request = patch(url, content, 5_000, content.length);
    client
      .impolitely()
      .begins(request, request.bytes.length - 1_000)
      .awaitsTheEnd();
    const fields = { "upload-offset": "19000", "upload-length": "20000" };
    const asking = { ...ask(url), expected: { ...ask(url).expected, fields } };
    world.client({ start: 12_000 }).sends(asking, patch(url, content, 19_000, 20_000), get("/hello.txt"));
  });
  world.promises("408", () => String(first.replies.statuses) === "201,204,408" || first);
  world.promises("it is there", () => store.content("resumed")?.equals(content) || first);
});

simulate("who resumes takes over from a connection that the server still believes in", OPTIONS, (world) => {
  const store = new Store(world);
  const content = store.invents("resumed", 20_000);
  const first = begun(world, content, 5_000, (client, url) => {
    const request = patch(url, content, 5_000, content.length);
    client.impolitely().begins(request, request.bytes.length - 1_000);
    const second = world.client({ start: 1_000 }).sends(ask(url)).awaits();
    second.afterwards(() => {
      const offset = Number(second.replies.lastFields.get("upload-offset"));
      second.sends(patch(url, content, offset, content.length));
    });
    client.awaitsTheEnd();
  });
  world.promises("its connection ended without a reply", () => String(first.replies.statuses) === "201,204" || first);
  world.promises("long before a time-out", () => first.kept < 4_000 || first.kept);
  world.promises("it is there", () => store.content("resumed")?.equals(content) || first);
});
