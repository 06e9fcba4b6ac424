/** Uploads by the pages of other sites (`upload_cors`). */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { ask } from "./client.ts";
import { freePort } from "./free-ports.ts";
import { useServer } from "./server.ts";

setDefaultTimeout(60_000);

const port = await freePort();
useServer({
  configuration: `
    server {
      listen 127.0.0.1:${port};
      root www;
      error_page 409 /page.html;
      client_max_body_size 1k;
      location /some/ { alias www/up/; upload_store www/up; upload_cors https://app.example.org http://localhost:3000; }
      location /any/ { alias www/up/; upload_store www/up; upload_cors *; delete_files on; }
      location /none/ { alias www/up/; upload_store www/up; }
      location /closed/ { alias www/up/; upload_store www/up; upload_cors *; deny all; }
      location /once/ { alias www/up/; upload_store www/up; upload_overwrite refuse; upload_cors https://app.example.org; }
    }`,
  files: { "www/up/a.txt": "a", "www/page.html": "taken" },
});

const APP = "https://app.example.org";
const TUS = "Tus-Resumable: 1.0.0";

function send(method: string, path: string, ...fields: string[]) {
  return ask(port, `${[`${method} ${path} HTTP/1.1`, "Host: a", ...fields].join("\r\n")}\r\n\r\n`);
}

describe("a preflight", () => {
  const preflight = (path: string, origin: string) =>
    send(
      "OPTIONS",
      path,
      `Origin: ${origin}`,
      "Access-Control-Request-Method: PATCH",
      "Access-Control-Request-Headers: tus-resumable,upload-offset,content-type",
    );

  test.each([
    ["/some/", APP, APP, "Origin"],
    ["/some/webserv-upload-0", "http://localhost:3000", "http://localhost:3000", "Origin"],
    ["/any/", "https://whoever.example", "*", undefined],
    ["/closed/", APP, "*", undefined],
  ])("%s from %s is answered", async (path, origin, allowed, vary) => {
    const reply = await preflight(path, origin);
    expect([reply.status, reply.field("access-control-allow-origin"), reply.field("vary")]).toEqual([
      204,
      allowed,
      vary,
    ]);
    expect(reply.field("access-control-allow-methods")).toBe("GET, HEAD, POST, PUT, PATCH, DELETE");
    const fields = reply.field("access-control-allow-headers")!.toLowerCase().split(", ");
    for (const name of ["tus-resumable", "upload-offset", "upload-length", "upload-metadata", "content-type"])
      expect(fields).toContain(name);
    expect(reply.field("access-control-max-age")).toBe("86400");
  });

  test.each([
    ["/some/", "https://other.example", "Origin"],
    ["/some/", "http://app.example.org", "Origin"],
    ["/some/", "null", "Origin"],
    ["/none/", APP, undefined],
  ])("%s from %s is not", async (path, origin, vary) => {
    const reply = await preflight(path, origin);
    const allowed = ["origin", "methods"].map((what) => reply.field(`access-control-allow-${what}`));
    expect([...allowed, reply.field("vary")]).toEqual([undefined, undefined, vary]);
  });
});

describe("every reply", () => {
  test.each<[string, string, string[], number]>([
    ["POST", "/some/", [TUS, "Upload-Length: 3"], 201],
    ["POST", "/some/", [TUS], 400],
    ["POST", "/some/", [TUS, "Upload-Length: 9999"], 413],
    ["PUT", "/some/large", ["Content-Length: 9999"], 413],
    ["HEAD", `/some/webserv-upload-${"0".repeat(32)}`, [TUS], 404],
    ["GET", "/some/a.txt", [], 200],
    ["GET", "/some/a.txt", [], 200],
    ["GET", "/some/missing", [], 404],
    ["DELETE", "/some/a.txt", [], 405],
    ["OPTIONS", "/some/", [], 204],
    ["PUT", "/once/a.txt", ["Content-Length: 0"], 409],
  ])("%s %s %j", async (method, path, fields, status) => {
    const reply = await send(method, path, `Origin: ${APP}`, ...fields);
    expect(reply.status).toBe(status);
    expect([reply.field("access-control-allow-origin"), reply.field("vary")]).toEqual([APP, "Origin"]);
    const exposed = reply.field("access-control-expose-headers")!.split(", ");
    for (const name of ["Location", "Tus-Resumable", "Upload-Offset", "Upload-Length", "Upload-Expires"])
      expect(exposed).toContain(name);
  });

  test("depends on the origin", async () => {
    for (const origin of [APP, "https://other.example", APP]) {
      const reply = await send("GET", "/some/a.txt", `Origin: ${origin}`);
      const allowed = reply.field("access-control-allow-origin");
      expect([reply.field("vary"), allowed]).toEqual(["Origin", origin === APP ? APP : undefined]);
    }
    expect((await send("GET", "/some/a.txt")).field("vary")).toBe("Origin");
    expect((await send("GET", "/closed/a.txt", `Origin: ${APP}`)).field("access-control-allow-origin")).toBe("*");
    expect((await send("GET", "/any/a.txt")).field("access-control-allow-origin")).toBe("*");
  });

  test("but not where nothing is said", async () => {
    for (const path of ["/none/a.txt", "/page.html"]) {
      const reply = await send("GET", path, `Origin: ${APP}`);
      expect([reply.status, reply.head.includes("Access-Control"), reply.field("vary")]).toEqual([
        200,
        false,
        undefined,
      ]);
    }
  });
});
