/** What a cache answers, step by step, compared with nginx for the same configuration, requests and server behind it; ours restarts in the middle. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { ask, get } from "./client.ts";
import { NGINX, useNginx } from "./nginx.ts";
import { ServerProcess } from "./server.ts";

setDefaultTimeout(60_000);

/** How often each URL was asked, by `s=`, the server in front. */
const counts = new Map<string, number>();
/** Statuses that the backend gives now instead of 200, by path. */
const statuses = new Map<string, number>();
/** What the backend has seen of conditions. */
const conditions: string[] = [];

/** Answers with the number of the request, and the fields that the query names. */
function respond(request: Request): Response {
  const url = new URL(request.url);
  const key = url.pathname + url.search;
  const count = (counts.get(key) ?? 0) + 1;
  counts.set(key, count);
  const headers = new Headers({ "Content-Type": "text/plain" });
  for (const [name, value] of url.searchParams) if (name.length > 1) headers.append(name, value);
  const expires = url.searchParams.get("e");
  if (expires !== null) headers.set("Expires", new Date(Date.now() + 1000 * Number(expires)).toUTCString());
  const seen = ["if-none-match", "if-modified-since", "range"].filter((name) => request.headers.has(name));
  if (seen.length > 0) conditions.push(`${url.searchParams.get("s")}: ${url.pathname} ${seen}`);
  if (request.headers.has("if-none-match")) return new Response(null, { status: 304, headers });
  const body = `${count} ${request.method}${request.headers.get("accept-language") ?? ""}`;
  return new Response(body, { status: statuses.get(url.pathname) ?? 200, headers });
}

const backend = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: respond });
const mortal = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: respond });
afterAll(async () => {
  await backend.stop(true);
  await mortal.stop(true);
});

const configuration = (port: number | string): string => `
  proxy_cache_path cache levels=1:2 keys_zone=z:1m inactive=10m;
  server {
    listen 127.0.0.1:${port};
    proxy_cache z;
    proxy_cache_key $uri$is_args$args;
    add_header X-Cache-Status $upstream_cache_status always;
    location / { proxy_pass http://127.0.0.1:${backend.port}; }
    location /valid/ { proxy_pass http://127.0.0.1:${backend.port}; proxy_cache_valid 200 1m; proxy_cache_valid any 1s; }
    location /ignore/ {
      proxy_pass http://127.0.0.1:${backend.port}; proxy_cache_valid 1m;
      proxy_ignore_headers Cache-Control Expires Set-Cookie Vary X-Accel-Expires;
    }
    location /uses/ { proxy_pass http://127.0.0.1:${backend.port}; proxy_cache_min_uses 2; }
    location /bypass/ {
      proxy_pass http://127.0.0.1:${backend.port};
      proxy_cache_bypass $arg_b $http_x_fresh; proxy_no_cache $http_x_secret;
    }
    location /stale/ { proxy_pass http://127.0.0.1:${backend.port}; proxy_cache_use_stale http_500 http_404; }
    location /mortal/ { proxy_pass http://127.0.0.1:${mortal.port}; proxy_cache_use_stale error; proxy_cache_valid 502 1m; }
    location /behind/ {
      proxy_pass http://127.0.0.1:${backend.port};
      proxy_cache_use_stale updating; proxy_cache_background_update on; proxy_cache_valid 1s;
    }
    location /again/ { proxy_pass http://127.0.0.1:${backend.port}; proxy_cache_revalidate on; }
    location /background/ {
      proxy_pass http://127.0.0.1:${backend.port};
      proxy_cache_use_stale updating; proxy_cache_background_update on;
    }
    location /head/ { proxy_pass http://127.0.0.1:${backend.port}; proxy_cache_convert_head off; proxy_cache_key $request_method$uri; }
    location /off/ { proxy_pass http://127.0.0.1:${backend.port}; proxy_cache off; }
    location /methods/ { proxy_pass http://127.0.0.1:${backend.port}; proxy_cache_methods GET; }
    location /unbuffered/ { proxy_pass http://127.0.0.1:${backend.port}; proxy_buffering off; }
    location /redirected/ { proxy_pass http://127.0.0.1:${backend.port}; proxy_redirect http://a/ http://b/; proxy_hide_header X-Hidden; }
  }
  server {
    listen 127.0.0.1:${port};
    server_name default-key;
    proxy_cache z;
    add_header X-Cache-Status $upstream_cache_status always;
    location / { proxy_pass http://127.0.0.1:${backend.port}; }
    location /uri/ { proxy_pass http://127.0.0.1:${backend.port}/other/; }
    location /background/ {
      proxy_pass http://127.0.0.1:${backend.port};
      proxy_cache_use_stale updating; proxy_cache_background_update on;
    }
  }`;

const ours = new ServerProcess({ configuration: configuration(0) });
beforeAll(() => ours.start());
afterAll(async () => {
  await ours.stop();
});
const nginx = useNginx((port) => configuration(port));

/** One request: path with query, fields, method. */
type Step = readonly [path: string, fields?: Record<string, string>, method?: string];

/** What the servers answer to all steps in order: `STATUS CACHE-STATUS BODY`. */
async function seen(port: number, name: string, steps: readonly Step[]): Promise<string[]> {
  const replies: string[] = [];
  for (const [path, fields = {}, method = "GET"] of steps) {
    const reply = await ask(
      port,
      get(`${path}${path.includes("?") ? "&" : "?"}s=${name}`, { Connection: "close", ...fields }, method),
    );
    const shown = ["Location", "X-Hidden", "Content-Range", "ETag"].flatMap((field) => reply.field(field) ?? []);
    const text = reply.status < 400 ? reply.text : "";
    replies.push(
      [`${method} ${path}`, reply.status, reply.field("X-Cache-Status")?.split(",")[0] ?? "none", text, ...shown].join(
        " | ",
      ),
    );
  }
  return replies;
}

async function bothSee(steps: readonly Step[]): Promise<[ours: string[], nginx: string[]]> {
  return [await seen(ours.port, "w", steps), await seen(nginx.port, "n", steps)];
}

/** Every path twice. */
const twice = (...paths: string[]): Step[] => paths.flatMap((path): Step[] => [[path], [path]]);
const cc = (value: string): string => `Cache-Control=${encodeURIComponent(value)}`;

/** What is asked before and after two seconds, in which `max-age=1` passes. */
const LASTING: readonly Step[] = [
  [`/a?${cc("max-age=1")}`],
  [`/b?${cc("max-age=60")}`],
  ["/valid/a"],
  ["/valid/404"],
  [`/stale/500?${cc("max-age=1")}`],
  [`/stale/503?${cc("max-age=1")}`],
  [`/stale/404?${cc("max-age=1")}`],
  [`/again/a?${cc("max-age=1")}&ETag=%22v%22`],
  [`/mortal/a?${cc("max-age=1")}`],
  [`/mortal/b?${cc("max-age=1, stale-if-error=60")}`],
  [`/lang?${cc("max-age=60")}&Vary=Accept-Language`, { "Accept-Language": "de" }],
  [`/lang?${cc("max-age=60")}&Vary=Accept-Language`, { "Accept-Language": "fr" }],
  ["/mortal/never"],
  [`/background/a%20b?${cc("max-age=1")}`],
  [`/background/c%2Fd?${cc("max-age=1")}`, { Host: "default-key" }],
];

/** The last steps in which old entries are used while they are updated. */
const BEHIND: readonly Step[] = [["/behind/a"], [`/behind/b?${cc("max-age=1, stale-while-revalidate=60")}`]];

describe.skipIf(NGINX === null)("as nginx", () => {
  test("a reply is stored or not", async () => {
    const steps: Step[] = [
      ...twice(
        "/none",
        `/private?${cc("private")}`,
        `/nostore?${cc("no-store, max-age=5")}`,
        `/zero?${cc("max-age=0")}`,
      ),
      ...twice(
        `/s?${cc("max-age=0, s-maxage=9")}`,
        `/bad?${cc("max-age=x")}`,
        "/e?e=60",
        "/past?e=-60",
        "/junk?Expires=0",
      ),
      ...twice("/accel?X-Accel-Expires=60", "/accel0?X-Accel-Expires=0", `/cookie?${cc("max-age=9")}&Set-Cookie=a=1`),
      ...twice(`/varyall?${cc("max-age=9")}&Vary=*`, `/ignore/?${cc("no-store")}&Set-Cookie=a=1&Vary=*`, "/off/a"),
      ...twice(
        `/uses/a?${cc("max-age=9")}`,
        `/uses/a?${cc("max-age=9")}`,
        "/valid/x",
        `/unbuffered/a?${cc("max-age=9")}`,
      ),
      ...twice(`/redirected/a?${cc("max-age=9")}&X-Hidden=1&Location=http://a/x`),
      [`/methods/a?${cc("max-age=9")}`, {}, "POST"],
      [`/methods/a?${cc("max-age=9")}`, {}, "HEAD"],
      [`/methods/a?${cc("max-age=9")}`],
    ];
    const [mine, its] = await bothSee(steps);
    expect(mine).toEqual(its);
  });

  test("a reply is passed by, or not stored, where that is asked for", async () => {
    const path = `/bypass/a?${cc("max-age=60")}`;
    const steps: Step[] = [
      [path],
      [path],
      [path, { "X-Fresh": "0" }],
      [path, { "X-Fresh": "1" }],
      [path],
      [path, { "X-Fresh": "1", "X-Secret": "1" }],
      [path],
      [`/bypass/b?${cc("max-age=60")}`, { "X-Secret": "1" }],
      [`/bypass/b?${cc("max-age=60")}`],
    ];
    const [mine, its] = await bothSee(steps);
    expect(mine).toEqual(its);
  });

  test("without proxy_cache_key the URI counts as it is sent: what is written in another way is another reply", async () => {
    const fields = { Host: "default-key" };
    const query = cc("max-age=60");
    const paths = ["/a%2Fb", "/a/b", "//a/b", "/%61/b", "/uri/a%2Fb", "/uri/a/b", "/uri/%61/b", "/uri/a%3Fb"];
    const steps = paths.map((path): Step => [`${path}?${query}`, fields]);
    const [mine, its] = await bothSee(steps);
    expect(mine).toEqual(its);
  });

  test("HEAD, conditions and ranges", async () => {
    const path = `/c?${cc("max-age=60")}&ETag=%22v%22&Accept-Ranges=bytes`;
    const plain = `/d?${cc("max-age=60")}&ETag=%22v%22`;
    const steps: Step[] = [
      [path, {}, "HEAD"],
      [path],
      [path, { "If-None-Match": '"v"' }],
      [path, { "If-None-Match": '"w"' }],
      [path, { "If-Match": '"w"' }],
      [path, { Range: "bytes=0-1" }],
      [path, { Range: "bytes=0-1", "If-Range": '"w"' }],
      [path, { Range: "bytes=99-" }],
      [plain],
      [plain, { Range: "bytes=0-1" }],
    ];
    const [mine, its] = await bothSee(steps);
    expect(mine).toEqual(its);
  });

  test("entries become old, are confirmed, or answer instead of errors; ours after a restart, too", async () => {
    statuses.set("/valid/404", 404);
    const [mine, its] = await bothSee([...LASTING, ...BEHIND, ...LASTING]);
    expect(mine).toEqual(its);
    for (const status of [500, 503, 404]) statuses.set(`/stale/${status}`, status);
    await mortal.stop(true);
    await ours.restart();
    await Bun.sleep(2100);
    const [old, itsOld] = await bothSee(BEHIND);
    expect(old).toEqual(itsOld);
    expect(old[0]).toContain("| STALE | 1 GET");
    const [later, itsLater] = await bothSee([...LASTING, ...LASTING]);
    expect(later).toEqual(itsLater);
    expect(conditions).toEqual(["w: /again/a if-none-match", "n: /again/a if-none-match"]);
    // What was fetched in the background, as soon as it is there.
    for (const [port, name] of [
      [ours.port, "w"],
      [nginx.port, "n"],
    ] as const) {
      const text = () => seen(port, name, BEHIND).then((all) => all.join());
      for (let got = ""; !/\b2 GET.*\b2 GET/.test(got); got = await text()) await Bun.sleep(10);
    }
    await ours.restart();
    expect(await seen(ours.port, "w", [["/valid/a"]])).toEqual(["GET /valid/a | 200 | HIT | 1 GET"]);
  });
});
