/** The Bun.serve process: `bun run bun-serve-process.ts PORT`. */
import { FILES, page } from "../site.ts";

const routes: Record<string, Response> = { "/folder": Response.redirect("/folder/", 301) };
for (const [path, size] of FILES) {
  routes[`/${path}`] = new Response(page(size), { headers: { "Content-Type": "text/html" } });
}

Bun.serve({
  hostname: "127.0.0.1",
  port: Number(Bun.argv[2]),
  idleTimeout: 0,
  routes,
  fetch: () => new Response("not found\n", { status: 404 }),
});
