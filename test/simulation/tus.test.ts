/** Resumable uploads with lost connections, killed servers and failing disks: in the end every file is complete. */
import type { Fault } from "./faults.ts";
import { Store, UPLOADS } from "./store.ts";
import { ParallelUploader, TusUploader } from "./tus.ts";
import { simulate } from "./webserv.ts";
import type { World } from "./world.ts";

const NETWORK: readonly Fault[] = ["EAGAIN", "EINTR", "short recv", "short send", "short write", "short read"];
const DISK: readonly Fault[] = ["ENOSPC", "EDQUOT", "EACCES", "EROFS", "EIO in writing", "EMFILE", "ENFILE"];
const DISK_STATUSES = [403, 500, 503, 507];

function uploaders(world: World): void {
  const store = new Store(world);
  const { random } = world;
  for (let files = random.between(1, 3); files > 0; files--) {
    new TusUploader(world, store, `f${files}.bin`, random.magnitude(1, 60_000), random.between(0, 4));
  }
}

simulate("resumable uploads over connections that break", { seeds: 150, faults: NETWORK, server: UPLOADS }, uploaders);

simulate(
  "resumable uploads to a bad disk",
  { seeds: 100, faults: [...NETWORK, ...DISK], server: UPLOADS, tolerates: DISK_STATUSES },
  uploaders,
);

simulate("resumable uploads to a server that is killed", { seeds: 100, faults: NETWORK, server: UPLOADS }, (world) => {
  uploaders(world);
  let left = world.random.between(1, 80);
  world.afterEachTurn(() => --left === 0 && world.crash());
});

function parallel(world: World): void {
  const store = new Store(world);
  const { random } = world;
  new ParallelUploader(world, store, "p.bin", random.magnitude(3, 60_000), random.between(1, 3), random.between(0, 2));
}

simulate("parts of a file over connections that break", { seeds: 150, faults: NETWORK, server: UPLOADS }, parallel);

simulate(
  "parts of a file to a bad disk",
  { seeds: 100, faults: [...NETWORK, ...DISK], server: UPLOADS, tolerates: DISK_STATUSES },
  parallel,
);

simulate("parts of a file to a server that is killed", { seeds: 100, faults: NETWORK, server: UPLOADS }, (world) => {
  parallel(world);
  let left = world.random.between(1, 80);
  world.afterEachTurn(() => --left === 0 && world.crash());
});
