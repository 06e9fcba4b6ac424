/** A client that leaves at any byte of an upload, in any way, leaves nothing behind. Tests every byte of each request. */
import type { Client } from "./client.ts";
import type { Fault } from "./faults.ts";
import type { Request } from "./site.ts";
import { type FormFile, post, postForm, put, remove, Store, UPLOADS } from "./store.ts";
import { simulate } from "./webserv.ts";
import type { World } from "./world.ts";

const NETWORK: readonly Fault[] = ["EAGAIN", "EINTR", "short recv", "short write"];
const SEEDS = 4;

const WAYS: readonly ((client: Client) => void)[] = [
  (client) => client.vanishes(),
  (client) => client.resets(),
  (client) => client.pauses(50).resets(),
  (client) => client.halfCloses().awaitsTheEnd(),
];

/** Statuses that a client may get after an incomplete request: it was too slow, or ended too early. */
const cutShort = (ask: Request): Request => ({ ...ask, expected: { ...ask.expected, or: [400, 408] } });

type Kind = (files: readonly FormFile[]) => Request;

/** One client for each byte of the request, including the end. How each client leaves is random. */
function everyCut(world: World, kind: Kind): void {
  const store = new Store(world);
  const { random } = world;
  for (let cut = 0, length = 1; cut <= length; cut++) {
    const names = [`${cut}`.padStart(4, "0"), `${cut}x`.padStart(5, "0")];
    const files = names.map((name) => ({ name, content: store.invents(name, 12) }));
    const ask = kind(files);
    length = ask.bytes.length;
    const client = world
      .client({ start: cut * 2 })
      .impolitely()
      .begins(cutShort(ask), cut);
    random.pick(WAYS)(client);
    if (cut === length) continue;
    for (const { name } of files) world.promises(`${name} has not appeared`, () => store.content(name) === null);
  }
}

const KINDS: readonly (readonly [string, Kind])[] = [
  ["a PUT", ([file]) => put(file!.name, file!.content)],
  ["a PUT into a new folder, in chunks", ([file]) => put(file!.name, file!.content, { chunks: 4 })],
  ["a PUT that expects 100", ([file]) => put(file!.name, file!.content, { continues: true })],
  ["a POST", ([file]) => post(file!.name, file!.content)],
  ["a form", (files) => postForm(files)],
  ["a form in chunks", (files) => postForm(files, { chunks: 50 })],
];

for (const [name, kind] of KINDS) {
  simulate(`${name}, cut anywhere`, { seeds: SEEDS, faults: NETWORK, server: UPLOADS }, (world) =>
    everyCut(world, kind),
  );
}

simulate(
  "a PUT over a file, cut anywhere, leaves it as it was",
  { seeds: SEEDS, faults: NETWORK, server: UPLOADS },
  (world) => {
    const store = new Store(world);
    const old = store.invents("file", 20);
    world.kernel.files.tree.file("/site/up/file", old);
    const ask = put("file", store.invents("file", 30));
    for (let cut = 0; cut < ask.bytes.length; cut++) {
      const client = world
        .client({ start: cut * 2 })
        .impolitely()
        .begins(cutShort(ask), cut);
      world.random.pick(WAYS)(client);
    }
    world.promises("it is as it was", () => store.content("file")?.equals(old));
  },
);

simulate("a DELETE, cut anywhere, removes nothing", { seeds: SEEDS, faults: NETWORK, server: UPLOADS }, (world) => {
  const store = new Store(world);
  const old = store.invents("file", 20);
  world.kernel.files.tree.file("/site/up/file", old);
  const ask = remove("file");
  for (let cut = 0; cut < ask.bytes.length; cut++) {
    const client = world
      .client({ start: cut * 2 })
      .impolitely()
      .begins(cutShort(ask), cut);
    world.random.pick(WAYS)(client);
  }
  world.promises("it is there", () => store.content("file")?.equals(old));
});
