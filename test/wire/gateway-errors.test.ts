/** Error pages of what a gateway could not do, and requests that a protocol cannot carry. */
import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { ask, Client, get } from "./client.ts";
import { TEXT, untilWritten } from "./scripts.ts";
import { until, useServer } from "./server.ts";

setDefaultTimeout(60_000);

const backend = createServer((request, response) => {
  if (request.url === "/accel") response.setHeader("X-Accel-Redirect", "/slow.sh");
  else response.statusCode = 404;
  response.end("from behind");
});
const port = await new Promise<number>((resolve) =>
  backend.listen(0, "127.0.0.1", () => resolve((backend.address() as { port: number }).port)),
);
afterAll(() => backend.close());

const down = "proxy_pass http://127.0.0.1:1;";
const server = useServer({
  configuration: `
    server {
      listen 127.0.0.1:0;
      error_log stderr;
      large_client_header_buffers 4 64k;
      location /text { ${down} error_page 502 /503text; }
      location /bare { ${down} error_page 502 /503bare; }
      location /moved { ${down} error_page 502 /302; }
      location /behind { ${down} error_page 502 @behind; }
      location /its-own { ${down} error_page 502 = /503text; }
      location /chosen { ${down} error_page 502 =200 /503text; }
      location = /503text { return 503 text; }
      location = /503bare { return 503; }
      location = /302 { return 302 http://example.org/; }
      location @behind { proxy_pass http://127.0.0.1:${port}; }
      location /big { uwsgi_pass 127.0.0.1:1; uwsgi_param BIG $http_big$http_big; }
      location = /accel { proxy_pass http://127.0.0.1:${port}; }
      location = /slow.sh { root www; cgi .sh /bin/sh; }
    }`,
  files: {
    "www/slow.sh": `echo 1 >> "$DOCUMENT_ROOT/../running"; while [ ! -e "$DOCUMENT_ROOT/../go" ]; do sleep 0.05; done; ${TEXT}; printf 'from a script'`,
  },
});

// As nginx 1.22 answered the same file.
test.each([
  ["/text", 502, "text"],
  ["/bare", 503, ""],
  ["/moved", 302, ""],
  ["/behind", 502, "from behind"],
  ["/its-own", 503, "text"],
  ["/chosen", 200, "text"],
])("error_page: %s is %i", async (path, status, body) => {
  const reply = await ask(server.port, get(path));
  expect([reply.status, body === "" ? "" : reply.body.toString()]).toEqual([status, body]);
});

test("a request that is too big for uwsgi: 500, and one line", async () => {
  expect((await ask(server.port, get("/big", { Big: "x".repeat(40_000) }))).status).toBe(500);
  await until(
    () => /\[error\] .*uwsgi request is too big: \d{5}/.test(server.stderr),
    () => server.stderr,
  );
  expect(server.stderr).not.toContain("    at ");
});

test("after X-Accel-Redirect the second location says what a client's half-close means: a script goes on", async () => {
  const client = await Client.connect(server.port);
  await client.send(get("/accel"));
  await untilWritten(server, "running");
  client.finish();
  writeFileSync(join(server.folder, "go"), "");
  expect((await client.reply()).body.toString()).toBe("from a script");
  client.destroy();
});
