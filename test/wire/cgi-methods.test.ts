/** `cgi_methods`: programs answer these methods alone; for any other the location is as if it had no programs. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { answers, exchange } from "./cases.ts";
import { get } from "./client.ts";
import { leavesNothing, TEXT, useScripts } from "./scripts.ts";
import { withBody } from "./upload-requests.ts";

setDefaultTimeout(60_000);

const ECHO = `${TEXT}; printf '%s ' "$REQUEST_METHOD"; exec cat`;
/** Answers whatever file it is to run, there or not. */
const TESTER = `sh -c "printf 'Status: 200\\n\\n%s ' \\"$REQUEST_METHOD\\"; exec cat"`;

const server = useScripts({
  server: `
    root www;
    cgi .sh /bin/sh;
    cgi_methods POST;
    location /bla/ { cgi .bla ${TESTER}; cgi_check_script off; }
    location /reading/ { cgi_methods GET; }
    location /index/ { index page.sh; }
    location /put/ { cgi_methods PUT; allowed_methods GET PUT; }
    location /tried/ { try_files $uri.sh $uri /tried/front.sh; }`,
  scripts: {
    "echo.sh": ECHO,
    "reading/echo.sh": ECHO,
    "index/page.sh": ECHO,
    "put/echo.sh": ECHO,
    "tried/front.sh": ECHO,
  },
  files: { "www/bla/there.bla": "a file\n", "www/tried/plain.txt": "plain\n" },
});

describe("the methods that are named are the programs'", () => {
  answers(server, "POST with a body", withBody("POST", "/echo.sh", "abc"), { status: 200, body: "POST abc" });
  answers(server, "in chunks", withBody("POST", "/echo.sh", "abc", { chunk: 2 }), { status: 200, body: "POST abc" });
  answers(server, "without a body", withBody("POST", "/echo.sh", ""), { status: 200, body: "POST " });
  answers(server, "GET where it is named", get("/reading/echo.sh"), { status: 200, body: "GET " });
  answers(server, "a folder's index", withBody("POST", "/index/", "abc"), { status: 200, body: "POST abc" });
  answers(server, "PUT", withBody("PUT", "/put/echo.sh", "abc"), { status: 200, body: "PUT abc" });
  answers(server, "a file that is there", withBody("POST", "/bla/there.bla", "abc"), { status: 200, body: "POST abc" });
  answers(server, "one that is not", withBody("POST", "/bla/none.bla", "abc"), { status: 200, body: "POST abc" });
  answers(server, "what try_files leads on to", withBody("POST", "/tried/x", "abc"), { status: 200, body: "POST abc" });
});

describe("others are answered as without programs", () => {
  answers(server, "GET is the file's", get("/echo.sh"), { status: 200, body: ECHO });
  answers(server, "GET of another file's", get("/bla/there.bla"), { status: 200, body: "a file\n" });
  answers(server, "GET of none", get("/bla/none.bla"), { status: 404 });
  answers(server, "GET of a folder", get("/index/"), { status: 200, body: ECHO });
  answers(server, "GET of a file that try_files finds", get("/tried/plain.txt"), { status: 200, body: "plain\n" });
  answers(server, "POST where GET is named", withBody("POST", "/reading/echo.sh", "abc"), { status: 405 });
  answers(server, "DELETE", get("/echo.sh", {}, "DELETE"), {
    status: 405,
    fields: { allow: "GET, HEAD, POST, OPTIONS" },
  });
  answers(server, "OPTIONS, which the server answers", get("/echo.sh", {}, "OPTIONS"), { status: 204 });
  test("HEAD goes with GET", async () => {
    const length = String(ECHO.length);
    await exchange(server.port, get("/echo.sh", {}, "HEAD"), { status: 200, fields: { "content-length": length } });
    const program = await exchange(server.port, get("/reading/echo.sh", {}, "HEAD"), { status: 200 });
    expect(program.field("content-length")).toBe(undefined);
  });
});

leavesNothing(server);
