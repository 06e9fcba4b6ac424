/** Uploads with faults in every call and clients that leave at every byte: no unfinished file is left, and every file is complete, old or new. */
import type { Client } from "./client.ts";
import type { Fault } from "./faults.ts";
import type { Random } from "./random.ts";
import type { Request } from "./site.ts";
import { type FormFile, getAny, post, postForm, put, remove, type Sending, Store, UPLOADS } from "./store.ts";
import { simulate, type Webserv } from "./webserv.ts";
import type { World } from "./world.ts";

const NETWORK: readonly Fault[] = ["EAGAIN", "EINTR", "short recv", "short send", "short sendfile", "short write"];
const DISK: readonly Fault[] = ["ENOSPC", "EDQUOT", "EACCES", "EROFS", "EIO", "EIO in writing", "EMFILE", "ENFILE"];
/** Statuses of uploads if the disk fails. */
const DISK_STATUSES = [403, 500, 503, 507];

function anySending(random: Random): Sending {
  return { chunks: random.chance(0.4) ? random.magnitude(1, 9_000) : 0, continues: random.chance(0.2) };
}

interface Upload {
  readonly request: Request;
  readonly files: readonly FormFile[];
}

/** Uploads of files under names that no other client uses; only PUT creates folders. */
function upload(store: Store, random: Random, label: string): Upload {
  const how = anySending(random);
  const file = (name: string): FormFile => ({ name, content: store.invents(name, random.magnitude(1, 20_000)) });
  if (random.chance(0.3)) {
    const files = Array.from({ length: random.between(1, 3) }, (_, i) => file(`${label}-n${i}.bin`));
    return { request: postForm(files, how), files };
  }
  const posts = random.chance(0.3);
  const one = file(posts ? `${label}.bin` : random.pick([`${label}.bin`, `new/${label}`, `new/${label}/deep/file`]));
  return { request: (posts ? post : put)(one.name, one.content, how), files: [one] };
}

const orRefused = (ask: Request, ...statuses: number[]): Request => ({
  ...ask,
  expected: { ...ask.expected, or: [...(ask.expected.or ?? []), ...statuses] },
});

/** How it ends: as it should, or not. */
function ends(client: Client, next: Request, random: Random): void {
  const part = random.between(1, next.bytes.length - 1);
  switch (random.between(0, 6)) {
    case 0:
      return void client.impolitely().begins(next, part).vanishes();
    case 1:
      return void client.impolitely().begins(next, part).pauses(random.between(0, 100)).resets();
    case 2:
      return void client.impolitely().begins(orRefused(next, 400), part).halfCloses().awaitsTheEnd();
    case 3:
      return void client.sends(next).halfCloses();
    default:
      return void client.sends(next);
  }
}

/** A few clients that upload different files and leave in random ways. */
function uploaders(world: World): void {
  const store = new Store(world);
  const { random } = world;
  for (let clients = random.between(1, 4); clients > 0; clients--) {
    const client = world.client();
    const cut = random.magnitude(100, 5_000);
    if (random.chance(0.5)) client.cuts(cut, random.chance(0.5) ? 0 : cut / 50);
    for (let files = random.between(0, 3); files >= 0; files--) {
      const { request, files: sent } = upload(store, random, `c${clients}f${files}`);
      for (const file of sent) store.keepsItsWord(client, client.requests.length, file);
      if (files === 0) ends(client, request, random);
      else client.sends(request);
    }
  }
}

simulate("uploads over a bad network", { seeds: 300, faults: NETWORK, server: UPLOADS }, uploaders);

simulate(
  "uploads to a bad disk",
  { seeds: 300, faults: [...NETWORK, ...DISK], server: UPLOADS, tolerates: DISK_STATUSES },
  uploaders,
);

const NAMES = ["a.bin", "b.txt", "c"];

/** A random request for a file that several clients share. */
function anyUse(store: Store, random: Random): Request {
  const name = random.pick(NAMES);
  const content = () => store.invents(name, random.magnitude(1, 40_000));
  switch (random.between(0, 6)) {
    case 0:
      return put(name, content(), anySending(random));
    case 1:
      return post(name, content(), anySending(random));
    case 2:
      return replacing(post(name, content(), anySending(random)));
    case 3:
      return postForm(
        NAMES.map((one) => ({ name: one, content: store.invents(one, random.magnitude(1, 9_000)) })),
        anySending(random),
      );
    case 4:
      return remove(name);
    default:
      return getAny(name, store.versions(name));
  }
}

/** The same request if POST replaces an existing file. */
const replacing = (ask: Request): Request => ({
  ...ask,
  bytes: Buffer.from(ask.bytes.latin1Slice().replace(" /up/", " /replace/"), "latin1"),
});

/** The same request if only one reply is correct. Only the reply for a new file has Location. */
function exactly(ask: Request, status: number): Request {
  const { fields = {}, ...expected } = ask.expected;
  return { ...ask, expected: { ...expected, status, fields: status === 201 ? fields : {}, or: [] } };
}

/** Clients that put, post, get and delete the same few files. */
function sharers(world: World): void {
  const store = new Store(world);
  const { random } = world;
  for (let clients = random.between(1, 5); clients > 0; clients--) {
    const client = world.client();
    const cut = random.magnitude(100, 5_000);
    if (random.chance(0.5)) client.cuts(cut, random.chance(0.5) ? 0 : cut / 50);
    for (let uses = random.between(0, 5); uses > 0; uses--) client.sends(anyUse(store, random));
    ends(client, anyUse(store, random), random);
  }
}

simulate("files that many change, over a bad network", { seeds: 300, faults: NETWORK, server: UPLOADS }, sharers);

simulate(
  "files that many change, on a bad disk",
  { seeds: 300, faults: [...NETWORK, ...DISK], server: UPLOADS, tolerates: DISK_STATUSES },
  sharers,
);

simulate(
  "who changes a file sees at once what became of it",
  { seeds: 300, faults: NETWORK, server: UPLOADS },
  (world) => {
    const store = new Store(world);
    const { random } = world;
    const client = world.client();
    let there: Buffer | null = null;
    for (let uses = 12; uses > 0; uses--) {
      const kind = random.between(0, 3);
      const before = there;
      if (kind === 0) there = store.invents("own", random.magnitude(1, 20_000));
      if (kind === 0) client.sends(exactly(put("own", there!, anySending(random)), before ? 204 : 201));
      else if (kind === 1) client.sends(exactly(remove("own"), before ? 204 : 404));
      else client.sends(exactly(getAny("own", before ? [before] : []), before ? 200 : 404));
      if (kind === 1) there = null;
      if (random.chance(0.3)) client.awaits().pauses(random.between(0, 1_500));
    }
    world.patient = true;
    world.promises("the last one", () => store.content("own")?.equals(there ?? Buffer.alloc(0)) ?? there === null);
  },
);

simulate(
  "quit lets uploads end that have begun",
  { seeds: 100, faults: NETWORK, server: UPLOADS, closing: true },
  (world) => {
    const store = new Store(world);
    const { random } = world;
    const content = store.invents("whole", 30_000);
    const ask = random.pick([put("whole", content), post("whole", content), postForm([{ name: "whole", content }])]);
    const client = world.client({ start: 0 }).begins(ask, 20_000).pauses(1_500).raw(ask.bytes.subarray(20_000));
    let quit = false;
    world.afterEachTurn(() => {
      if (quit || world.kernel.clock.now < 2_000) return;
      quit = true;
      (world.subject as Webserv).server.quit();
    });
    world.promises("it was stored", () => store.content("whole")?.equals(content) || client);
  },
);

simulate("stop at any moment leaves nothing unfinished", { seeds: 200, faults: NETWORK, server: UPLOADS }, (world) => {
  uploaders(world);
  for (const client of world.clients) client.impolitely();
  const moment = world.random.between(1_000, 3_000);
  let stopped = false;
  world.afterEachTurn(() => {
    if (stopped || world.kernel.clock.now < moment) return;
    stopped = true;
    world.subject.stop();
    world.subject.turn = (timeout) => void world.kernel.clock.advanceTo(world.kernel.clock.now + timeout);
    world.subject.descriptors = () => [];
    world.subject.stop = () => {};
  });
});

simulate(
  "kill -9 at any moment: the next start removes what was unfinished",
  { seeds: 300, faults: NETWORK, server: UPLOADS },
  (world) => {
    uploaders(world);
    for (const client of world.clients) client.impolitely();
    let left = world.random.between(1, 60);
    world.afterEachTurn(() => --left === 0 && world.crash());
  },
);
