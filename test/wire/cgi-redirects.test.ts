/** Scripts that name another place (RFC 3875 §6.2.2), and scripts that speak HTTP themselves (§5). */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { check, exchange } from "./cases.ts";
import { ask, Client, get } from "./client.ts";
import { children, leavesNothing, TEXT, untilLogged, untilWritten, useScripts } from "./scripts.ts";
import { until } from "./server.ts";
import { withBody } from "./upload-requests.ts";

setDefaultTimeout(60_000);

const server = useScripts({
  scripts: {
    "to.sh": `printf 'Location: %s\\nContent-Type: text/plain\\nX-First: 1\\n\\nignored' "$QUERY_STRING"`,
    "shown.sh": `${TEXT}; printf '%s|%s|%s|%s|' "$REQUEST_METHOD" "$QUERY_STRING" "$CONTENT_LENGTH" "$PATH_INFO"; cat`,
    "loop.sh": `echo run >> "$DOCUMENT_ROOT/../runs"; printf 'Location: /loop.sh?%s\\n\\n' "$QUERY_STRING"x`,
    "cookie.sh": `printf 'Set-Cookie: a=1\\nLocation: /shown.sh\\n\\n'`,
    "nph-raw.sh": `printf 'HTTP/1.1 299 Mine\\r\\nX-Own: raw\\r\\nContent-Length: 4\\r\\n\\nraw\\n'`,
    "nph-body.sh": `printf 'HTTP/1.1 200 OK\\r\\n\\r\\nuntil the end '; cat`,
    "nph-nothing.sh": "exit 0",
    "nph-large.sh": `printf 'HTTP/1.1 200 OK\\r\\n\\r\\n'; head -c 3000000 /dev/zero`,
    "not-nph-.sh": `${TEXT}; printf parsed`,
  },
  files: { "www/static.txt": "static\n", "www/folder/index.html": "index\n", "www/ä b.txt": "decoded\n" },
  directives:
    "location /one/ { alias www/; cgi_max_processes 1; cgi_queue 0; } location /inner/ { return 403; } location = /made { return 201 made; } error_page 404 /shown.sh;",
});

const untilNoneRuns = (): Promise<void> =>
  until(
    () => children(server.pid).length === 0,
    () => children(server.pid).join(),
  );

describe("a local Location is served inside the server", () => {
  const targets: [to: string, body: string][] = [
    ["/static.txt", "static\n"],
    ["/static.txt?query", "static\n"],
    ["/folder/", "index\n"],
    ["/%C3%A4%20b.txt", "decoded\n"],
    ["/x/../static.txt", "static\n"],
    ["/shown.sh?new=1", "GET|new=1|||"],
    ["/shown.sh/info", "GET|||/info|"],
    ["/to.sh?/to.sh?/static.txt", "static\n"],
  ];

  test.each(targets)("%s", async (to, body) => {
    const path = `/to.sh?${to}`;
    await exchange(server.port, get(path), { status: 200, fields: { location: null, "x-first": null }, body });
    await exchange(server.port, get(path, {}, "HEAD"), { status: 200, fields: { location: null }, body: "" });
    // Another request's body is not the client's (§6.2.2).
    await exchange(server.port, withBody("POST", path, "the body"), { status: 200, body });
    await exchange(server.port, withBody("POST", path, "the body", { chunk: 3 }), { status: 200, body });
  });

  test("from script to script where there is place for one", async () => {
    for (const to of ["/one/shown.sh", "/one/to.sh?/one/shown.sh"]) {
      await untilNoneRuns(); // a script may have a moment to live after its reply
      check(await ask(server.port, get(`/one/to.sh?${to}`)), { status: 200, body: "GET||||" });
    }
  });

  test("with the cookies that the script set", async () => {
    await exchange(server.port, get("/cookie.sh"), { status: 200, fields: { "set-cookie": "a=1" } });
  });

  test("whatever it is answered with", async () => {
    await exchange(server.port, get("/to.sh?/inner/x"), { status: 403 });
    await exchange(server.port, get("/to.sh?/made"), { status: 201, body: "made" });
    await exchange(server.port, get("/to.sh?/folder"), { status: 301, fields: { location: /.*\/folder\// } });
    await exchange(server.port, get("/to.sh?/../up"), { status: 502 });
    await exchange(server.port, get("/to.sh?/bad%zz"), { status: 502 });
  });

  test("a script is the page of an error", async () => {
    await exchange(server.port, get("/missing"), { status: 404, body: "GET||||" });
    await exchange(server.port, withBody("POST", "/to.sh?/missing", "body"), { status: 404, body: "GET||||" });
  });

  test("in a loop it is 500 after ten, and no more scripts are run", async () => {
    await exchange(server.port, get("/loop.sh?"), { status: 500 });
    expect(await untilWritten(server, "runs", 11)).toEqual(Array.from({ length: 11 }, () => "run"));
    await untilLogged(server, /\[error\].*redirect/);
  });
});

describe("a Location elsewhere is the client's", () => {
  test.each([
    "http://other.example/x?y=1",
    "https://other.example/",
    "//other.example/x",
    "other.txt",
    "?x",
    "mailto:a@b",
  ])("%s", async (location) => {
    const fields = { location, "x-first": "1", "content-type": "text/plain" };
    await exchange(server.port, get(`/to.sh?${location}`), { status: 302, fields, body: "ignored" });
  });
});

describe("a script whose name begins with nph- is passed through as it comes", () => {
  const raw = async (request: string | Uint8Array): Promise<string> => {
    const client = await Client.connect(server.port);
    void client.send(request);
    const bytes = (await client.rest()).toString("latin1");
    client.destroy();
    return bytes;
  };

  test("byte for byte, and the connection ends with it", async () => {
    expect(await raw(get("/nph-raw.sh") + get("/static.txt"))).toBe(
      "HTTP/1.1 299 Mine\r\nX-Own: raw\r\nContent-Length: 4\r\n\nraw\n",
    );
  });

  test("with a body in both directions", async () => {
    const body = "x".repeat(200_000);
    const head = "HTTP/1.1 200 OK\r\n\r\nuntil the end ";
    expect((await raw(withBody("POST", "/nph-body.sh", body))) === head + body).toBe(true);
    expect((await raw(withBody("POST", "/nph-body.sh", body, { chunk: 7000 }))) === head + body).toBe(true);
  });

  test("of any length", async () => {
    expect((await raw(get("/nph-large.sh"))).length).toBe(3_000_000 + 19);
  });

  test("one that says nothing is 502", async () => {
    const client = await Client.connect(server.port);
    check(await client.ask(get("/nph-nothing.sh")), { status: 502 });
    client.destroy();
  });

  test("it is the name that counts", async () => {
    await exchange(server.port, get("/not-nph-.sh"), { status: 200, body: "parsed" });
  });
});

leavesNothing(server);
