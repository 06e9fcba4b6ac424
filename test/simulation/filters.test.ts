/** Pages made of included replies, replaced texts and additions, with faults in every call: each client gets the whole page, and nothing is left. */
import type { Fault } from "./faults.ts";
import type { Random } from "./random.ts";
import { type Expected, pattern, type Request, request } from "./site.ts";
import { type COMPLETE, CUT, Upstream } from "./upstream.ts";
import { simulate } from "./webserv.ts";
import type { World } from "./world.ts";

const NETWORK: readonly Fault[] = ["EAGAIN", "EINTR", "short recv", "short send", "short sendfile", "short read"];
const LEAVING: readonly Fault[] = ["ECONNRESET", "EPIPE", "ECONNABORTED"];

const SERVER = `
  types { text/html html; }
  ssi on;
  sub_filter text "TEXT";
  sub_filter_once off;
  location /added/ { add_before_body /small; add_after_body /middle; }
  location /p/ {
    proxy_pass http://servers;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_connect_timeout 2s;
    proxy_read_timeout 3s;
  }`;
const MAIN = "upstream servers { server 10.0.0.1:8080 max_fails=0; server 10.0.0.2:8080 max_fails=0; keepalive 3; }";

const GOOD = ["length", "chunks", "until-the-end", "says-close", "interim"] as const;
const BAD = [...Object.keys(CUT), "garbage", "hangs-in-head", "says-nothing", "resets-in-head"] as (
  | keyof typeof CUT
  | keyof typeof COMPLETE
)[];

const FILES: Readonly<Record<string, Buffer>> = {
  "/small": Buffer.from("a small text"),
  "/middle": pattern(40_000, 7),
  "/large": pattern(300_000, 8),
  "/empty": Buffer.alloc(0),
};

/** A part of a page: as it is written, and what it becomes. */
type Part = readonly [text: string, result: Buffer];

function part(random: Random, modes: readonly string[]): Part {
  const wait = random.chance(0.3) ? ' wait="yes"' : "";
  switch (random.between(0, 3)) {
    case 0: {
      const text = "some text and more ".repeat(random.magnitude(1, 2000));
      return [text, Buffer.from(text.replaceAll("text", "TEXT"))];
    }
    case 1: {
      const name = random.pick(Object.keys(FILES));
      return [`<!--# include virtual="${name}"${wait} -->`, FILES[name]!];
    }
    case 2: {
      const size = random.magnitude(1, 60_000);
      return [`<!--# include virtual="/p/${random.pick(modes)}?${size}"${wait} -->`, pattern(size, 4)];
    }
    default:
      return ['<!--# set var="a" value="1" --><!--# echo var="a" -->', Buffer.from("1")];
  }
}

/** Makes pages; the second includes the first. */
function pages(world: World, modes: readonly string[]): Request[] {
  const { random } = world;
  const { tree } = world.kernel.files;
  for (const [name, bytes] of Object.entries(FILES)) tree.file(`/site${name}`, bytes);
  const make = (name: string, more: readonly Part[]): Expected => {
    const parts = [...Array.from({ length: random.between(1, 12) }, () => part(random, modes)), ...more];
    tree.file(`/site${name}`, Buffer.from(parts.map(([text]) => text).join("")));
    return { status: 200, body: Buffer.concat(parts.map(([, result]) => result)), streamed: true, closes: "perhaps" };
  };
  const first = make("/first.html", []);
  const second = make("/second.html", [['<!--# include virtual="/first.html" -->', first.body!]]);
  const added = make("/added/third.html", []);
  const around = Buffer.concat([FILES["/small"]!, added.body!, FILES["/middle"]!]);
  return [
    request("/first.html", first),
    request("/second.html", second),
    request("/added/third.html", { ...added, body: around }),
    request("/second.html", { ...second }, { method: "HEAD" }),
    request("/first.html", first, { version: "1.0" }),
  ];
}

function clients(world: World, requests: readonly Request[]): void {
  const { random } = world;
  world.patient = true;
  for (let i = random.between(1, 5); i > 0; i--) {
    const client = world.client();
    for (let n = random.between(1, 3); n > 0; n--) {
      const one = random.pick(requests);
      if (random.chance(0.5)) client.sends(one).awaits();
      else client.sends(one);
    }
    if (random.chance(0.3)) client.reads(random.magnitude(2000, 50_000), random.magnitude(1, 10));
  }
}

const upstreams = ({ kernel, random }: World): Upstream[] =>
  ["10.0.0.1", "10.0.0.2"].map((host) => new Upstream(kernel, random.fork(), host, 8080));

simulate("pages of included replies are whole", { seeds: 60, faults: NETWORK, server: SERVER, main: MAIN }, (world) => {
  upstreams(world);
  clients(world, pages(world, GOOD));
});

/** What such a page contains is not told here: an error's page, or a part of a reply. */
const anyBody = (one: Request): Request => ({
  ...one,
  expected: { status: 200, or: [400, 408, 500, 503], streamed: true, closes: "perhaps" },
});

simulate(
  "clients that leave, servers that fail: pages end, and nothing is left",
  {
    seeds: 80,
    faults: [...NETWORK, ...LEAVING, "EMFILE", "ENFILE"],
    server: SERVER,
    main: MAIN,
    tolerates: [400, 408, 500, 503],
    closing: true,
  },
  (world) => {
    for (const one of upstreams(world)) one.refusing = world.random.pick([0, 0.5, 1]);
    const requests = pages(world, [...GOOD, ...BAD]).map(anyBody);
    clients(world, requests);
    for (let i = 0; i < 3; i++) {
      const client = world.client({ receiveBuffer: 4000 }).impolitely();
      client.sends(world.random.pick(requests));
      client.pauses(world.random.magnitude(1, 200));
      if (world.random.chance(0.5)) client.vanishes();
      else client.resets();
    }
  },
);
