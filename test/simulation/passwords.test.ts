/** Passwords on the virtual clock: repeated guesses are delayed, and a slow hash does not delay other clients, even if its client leaves. */
import { setDefaultTimeout } from "bun:test";
import { get, type Request, request } from "./site.ts";
import { simulate } from "./webserv.ts";

setDefaultTimeout(60_000);

const SEEDS = 10;
const server = `
  location /closed/ { alias /site/; auth_basic "closed"; auth_basic_user_file /etc/webserv/users; }`;
const FAULTS = ["EAGAIN", "EINTR", "short recv", "short send", "short sendfile"] as const;
/** Timers may be late by a turn, and the network needs time. */
const LATE = 800;

const asked = (user: string, password: string, status: number): Request =>
  request(
    "/closed/hello.txt",
    { status, closes: false },
    { fields: [`Authorization: Basic ${btoa(`${user}:${password}`)}`] },
  );

simulate(
  "six wrong passwords take 0, 0, 0, 250, 500 and 1,000 ms",
  { seeds: SEEDS, faults: FAULTS, server },
  (world) => {
    const client = world.client({ latency: 1, receiveBuffer: 200_000, sendBuffer: 400_000 });
    for (let i = 0; i < 6; i++) client.sends(asked("ann", `guess ${i}`, 401)).awaits();
    world.promises("not faster, not much slower", () => {
      const time = client.endedAt - client.startedAt;
      return (time >= 1750 && time < 1750 + LATE) || time;
    });
  },
);

simulate("the right password is not delayed by wrong ones", { seeds: SEEDS, faults: FAULTS, server }, (world) => {
  const guesser = world.client({ latency: 1, start: 0 });
  for (let i = 0; i < 6; i++) guesser.sends(asked("ann", `guess ${i}`, 401)).awaits();
  const ann = world.client({ latency: 1, start: 1500, receiveBuffer: 200_000, sendBuffer: 400_000 });
  ann.sends(asked("ann", "secret", 200)).awaits();
  world.promises("at once", () => ann.endedAt - ann.startedAt < LATE || ann.endedAt - ann.startedAt);
});

simulate(
  "static files beside a hash of 300 ms, answered in order",
  { seeds: SEEDS, faults: FAULTS, server },
  (world) => {
    const slow = world.client({ latency: 1 });
    slow.sends(asked("bob", "secret", 200), get("/hello.txt"), asked("bob", "secret", 200)).awaits();
    for (let i = 0; i < 5; i++) world.client().gets("/hello.txt", "/style.css").awaits();
  },
);

simulate(
  "whoever leaves during a hash or a delay leaves nothing behind",
  { seeds: SEEDS, faults: [...FAULTS, "ECONNRESET"], server },
  (world) => {
    for (let i = 0; i < 12; i++) {
      const client = world.client({ start: world.random.between(0, 500) });
      client.sends(asked("bob", `guess ${i % 3}`, 401)).pauses(world.random.between(0, 600));
      if (i % 2 === 0) client.resets();
      else client.awaits();
    }
  },
);
