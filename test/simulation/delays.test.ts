/** On the virtual clock: requests that outlast a stop, and refusals that are kept back. */
import { get, request } from "./site.ts";
import { simulate, type Webserv } from "./webserv.ts";

const SEEDS = 20;
const FAULTS = ["EAGAIN", "EINTR", "short recv", "short send", "short sendfile"] as const;
/** Timers may be late by a turn, and the network needs time. */
const LATE = 800;

simulate(
  "worker_shutdown_timeout: who is not done by then is cut off",
  { seeds: SEEDS, faults: FAULTS, main: "worker_shutdown_timeout 3s;", closing: true },
  (world) => {
    const slow = world.client({ start: 0, sendBuffer: 20_000 }).impolitely().reads(1_000, 100).gets("/big.bin");
    const quick = world.client({ start: 500, sendBuffer: 20_000 }).reads(20_000, 50).gets("/big.bin");
    let quit = false;
    world.afterEachTurn(() => {
      if (quit || world.kernel.clock.now < 3_000) return;
      quit = true;
      (world.subject as Webserv).server.quit();
    });
    world.promises("the quick one has its reply", () => quick.satisfied);
    world.promises("the slow one had 3 s", () => {
      const closedAt = slow.startedAt + slow.kept;
      return (closedAt >= 5_900 && closedAt <= 6_000 + LATE + LATE) || closedAt;
    });
  },
);

const refused = request("/closed/hello.txt", { status: 401, closes: false });
const closed = `location /closed/ { alias /site/; auth_delay 2s; auth_basic "closed"; auth_basic_user_file /etc/webserv/users; }`;

simulate("auth_delay: a 401 is kept back, nothing else", { seeds: SEEDS, faults: FAULTS, server: closed }, (world) => {
  const stranger = world.client({ latency: 1 }).sends(refused, get("/hello.txt")).awaits();
  const other = world.client({ latency: 1 }).gets("/hello.txt").awaits();
  const time = (client: typeof other): number => client.endedAt - client.startedAt;
  world.promises("2 s", () => (time(stranger) >= 2_000 && time(stranger) < 2_000 + LATE) || time(stranger));
  world.promises("at once", () => time(other) < LATE || time(other));
});

simulate(
  "auth_delay: whoever leaves meanwhile leaves nothing behind",
  { seeds: SEEDS, faults: [...FAULTS, "ECONNRESET"], server: closed },
  (world) => {
    for (let i = 0; i < 6; i++) {
      const client = world.client({ start: world.random.between(0, 500) });
      client.sends(refused).pauses(world.random.between(0, 2_500));
      if (i % 2 === 0) client.resets();
      else client.awaits();
    }
  },
);
