/** random_index and userid with faults in every call, and clients that leave. */
import { setDefaultTimeout } from "bun:test";
import type { Fault } from "./faults.ts";
import { request } from "./site.ts";
import { simulate } from "./webserv.ts";

setDefaultTimeout(60_000);

const FAULTS: readonly Fault[] = ["EAGAIN", "EINTR", "short recv", "short send", "EMFILE", "ENFILE", "EIO"];

const server = `
  userid on;
  userid_mark x;
  location /random/ { alias /site/listing/; random_index on; }
  location /nothing/ { alias /site/up/; random_index on; }`;

const asked = (path: string, status: number, cookie: string) =>
  request(
    path,
    { status, ...(status === 200 ? { body: Buffer.from("a") } : {}), fields: { "set-cookie": "*" }, closes: false },
    { fields: [`Cookie: uid=${cookie}`] },
  );

for (const leave of [false, true]) {
  simulate(
    leave ? "clients that leave while a folder is read" : "a folder's only file, and none",
    {
      seeds: 40,
      faults: leave ? [...FAULTS, "ECONNRESET"] : FAULTS,
      server,
      tolerates: [403, 404, 500, 503],
      closing: leave,
    },
    (world) => {
      const { random } = world;
      for (let i = 0; i < 6; i++) {
        const client = world.client();
        for (let n = random.between(1, 4); n > 0; n--) {
          const cookie = random.pick(["", "short", "fwAAAWsK2sBLe3NfAwMDAg=="]);
          client.sends(random.chance(0.7) ? asked("/random/", 200, cookie) : asked("/nothing/", 403, cookie));
          if (random.chance(0.5)) client.awaits();
        }
        if (leave && random.chance(0.5)) client.pauses(random.between(0, 50)).resets();
      }
    },
  );
}
