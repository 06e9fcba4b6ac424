/** WebDAV with faults in every call and clients that leave at every byte: files are whole, old or new, and nothing unfinished is left. */
import type { Client } from "./client.ts";
import type { Fault } from "./faults.ts";
import type { Random } from "./random.ts";
import { type Expected, type Request, request } from "./site.ts";
import { Store, sending } from "./store.ts";
import { simulate } from "./webserv.ts";
import type { World } from "./world.ts";

const NETWORK: readonly Fault[] = ["EAGAIN", "EINTR", "short recv", "short send", "short sendfile", "short write"];
const DISK: readonly Fault[] = ["ENOSPC", "EDQUOT", "EACCES", "EROFS", "EIO in writing"];
const DISK_STATUSES = [207, 403, 500, 503, 507];

const MAIN = "dav_ext_lock_zone zone=locks:32k timeout=3s;";
const SERVER = `
  location /up/ {
    alias /site/up/;
    dav_methods PUT DELETE MKCOL COPY MOVE; create_full_put_path on;
    dav_ext_methods PROPFIND OPTIONS LOCK UNLOCK; dav_ext_lock zone=locks;
  }`;

const FOLDERS = ["d", "e", "d/inner"];
const FILES = ["a", "b", ...FOLDERS.flatMap((folder) => [`${folder}/x`, `${folder}/y`])];

const UPDATE = Buffer.from('<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><x/></D:prop></D:set></D:propertyupdate>');

/** Statuses that others' requests at the same time may lead to. */
const SHARED = [404, 405, 409, 412, 423];

const plain = (status: number, ...or: number[]): Expected => ({ status, or: [...or, ...SHARED], closes: false });
const ask = (method: string, path: string, expected: Expected, ...fields: string[]): Request =>
  request(`/up/${path}`, expected, { method, fields });

/** Something that a client may want of the files that all share. */
function anyRequest(store: Store, random: Random): Request {
  const file = random.pick(FILES);
  const folder = random.pick(FOLDERS);
  const [from, to] = random.chance(0.5) ? [file, random.pick(FILES)] : [`${folder}/`, `${random.pick(FOLDERS)}/`];
  const destination = [`Destination: /up/${to}`, ...(random.chance(0.3) ? ["Overwrite: F"] : [])];
  switch (random.between(0, 10)) {
    case 0:
      return ask("DELETE", random.chance(0.5) ? file : `${folder}/`, plain(204, 207));
    case 1:
      return ask("MKCOL", `${folder}/`, plain(201));
    case 2:
    case 3:
      return ask("COPY", from!, plain(204, 201, 403), ...destination);
    case 4:
      return ask("MOVE", from!, plain(204, 201, 403), ...destination);
    case 5:
      return ask("PROPFIND", `${folder}/`, { ...plain(207), streamed: true }, "Depth: 1");
    case 6:
      return ask("LOCK", random.chance(0.5) ? file : `${folder}/`, plain(200, 201, 207));
    case 7:
      return sending("PROPPATCH", `/up/${file}`, plain(207), UPDATE);
    default:
      return sending("PUT", `/up/${file}`, plain(201, 204), store.invents(file, random.magnitude(1, 40_000)), {
        chunks: random.chance(0.4) ? random.magnitude(1, 9_000) : 0,
      });
  }
}

/** How it ends: as it should, or not. */
function ends(client: Client, next: Request, random: Random): void {
  const part = random.between(1, next.bytes.length - 1);
  const choice = random.between(0, 5);
  if (choice === 0) client.impolitely().begins(next, part).vanishes();
  else if (choice === 1) client.impolitely().sends(next).pauses(random.between(0, 20)).resets();
  else if (choice === 2) client.impolitely().begins(next, part).pauses(random.between(0, 100)).resets();
  else client.sends(next);
}

function managers(world: World): void {
  const store = new Store(world, true);
  const { random } = world;
  store.versions("").push(Buffer.alloc(0)); // LOCK makes such
  for (let clients = random.between(1, 4); clients > 0; clients--) {
    const client = world.client();
    const cut = random.magnitude(100, 5_000);
    if (random.chance(0.5)) client.cuts(cut, random.chance(0.5) ? 0 : cut / 50);
    for (let requests = random.between(2, 9); requests > 0; requests--) client.sends(anyRequest(store, random));
    ends(client, anyRequest(store, random), random);
  }
}

simulate("file managers over a bad network", { seeds: 300, faults: NETWORK, server: SERVER, main: MAIN }, managers);

simulate(
  "file managers on a bad disk",
  { seeds: 300, faults: [...NETWORK, ...DISK], server: SERVER, main: MAIN, tolerates: DISK_STATUSES },
  managers,
);

simulate(
  "copies and deletions whose clients leave",
  { seeds: 200, faults: NETWORK, server: SERVER, main: MAIN },
  (world) => {
    const store = new Store(world, true);
    const { random } = world;
    const { tree } = world.kernel.files;
    const content = store.invents("d", random.magnitude(1, 40_000));
    for (let i = 0; i < 150; i++) {
      tree.file(`/site/up/${random.pick(["d", "d/inner"])}/${i}`, content);
    }
    const work = random.chance(0.5)
      ? ask("COPY", "d/", plain(201), "Destination: /up/e/")
      : ask("DELETE", "d/", plain(204));
    const client = world.client();
    if (random.chance(0.7)) client.impolitely().sends(work).pauses(random.between(0, 30)).resets();
    else client.sends(work);
    world.promises("the copy is there as a whole or not at all", () => {
      const copy = store.files().filter(([name]) => name.startsWith("e/")).length;
      return copy === 0 || copy === 150 || copy;
    });
  },
);
