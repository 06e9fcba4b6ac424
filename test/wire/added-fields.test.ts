/** What `add_header`, `expires` and `types` make of the fields of a reply: none that stands for itself is there twice. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { answers, exchange } from "./cases.ts";
import { get } from "./client.ts";
import { useServer } from "./server.ts";

setDefaultTimeout(60_000);

const server = useServer({
  configuration: `
    server {
      listen 127.0.0.1:0;
      root www;
      cgi .out /bin/cat;
      location /dl/        { types { } default_type application/octet-stream; }
      location /replaced/  {
        add_header Content-Type x/y;
        add_header last-modified "Thu, 01 Jan 1970 00:00:00 GMT";
        add_header ETag '"first"';
        add_header ETag '"second"';
        add_header Accept-Ranges none;
        add_header Server other;
        add_header Location /there;
        add_header X-Two a;
        add_header X-Two b;
      }
      location /varying/   { add_header Content-Type $arg_type; add_header Last-Modified $arg_date; }
      location /removed/   { add_header Last-Modified ""; add_header ETag ""; add_header Content-Type ""; }
      location /expiring/  { expires 1h; }
      location /error/     { add_header Content-Type text/plain always; return 503; }
      location /text/      { add_header Content-Type application/json; return 200 "{}"; }
      location /slash/     { error_page 301 /a.txt; }
      location /redirect/  { error_page 301 =200 /a.txt; return 301 /x; }
      location /moved/     { error_page 302 /a.txt; return 302 /x; }
      location /elsewhere/ { error_page 303 http://other.test/; return 303 /x; }
    }`,
  files: Object.fromEntries([
    ...["a.txt", "dl/a.txt", "replaced/a.txt", "varying/a.txt", "removed/a.txt", "expiring/a.txt"].map((path) => [
      `www/${path}`,
      "a file\n",
    ]),
    ["www/slash/folder/", ""],
    ["www/replaced/a.out", 'Content-Type: text/html\nETag: "script"\n\n'],
    ["www/expiring/a.out", "Content-Type: text/html\nExpires: 0\nCache-Control: private\n\n"],
    ["www/twice.out", 'Content-Type: text/html\netag: "a"\nX-A: 1\nETag: "b"\nX-A: 2\n\n'],
  ]),
});

const REPLACED = {
  "Content-Type": "x/y",
  "Last-Modified": "Thu, 01 Jan 1970 00:00:00 GMT",
  ETag: '"second"',
  "Accept-Ranges": "none",
  Server: "other",
  Location: "/there",
  "X-Two": "a, b",
};

answers(server, "empty types leave only the default type", get("/dl/a.txt"), {
  status: 200,
  fields: { "Content-Type": "application/octet-stream" },
});

describe("add_header of what cannot repeat", () => {
  answers(server, "replaces a file's", get("/replaced/a.txt"), { status: 200, fields: REPLACED });
  answers(server, "and again, kept", get("/replaced/a.txt"), { status: 200, fields: REPLACED, body: "a file\n" });
  answers(server, "HEAD", get("/replaced/a.txt", {}, "HEAD"), { status: 200, fields: REPLACED });
  answers(server, "a script's", get("/replaced/a.out"), { status: 200, fields: REPLACED });
  answers(server, "one range", get("/replaced/a.txt", { Range: "bytes=0-0" }), { status: 206, fields: REPLACED });
  answers(server, "several ranges keep their boundary", get("/replaced/a.txt", { Range: "bytes=0-0,3-3" }), {
    status: 206,
    fields: { ...REPLACED, "Content-Type": /multipart\/byteranges; boundary=\w+/ },
  });
  answers(server, "the type of a text", get("/text/"), { status: 200, fields: { "Content-Type": "application/json" } });
  answers(server, "the type of an error's page", get("/error/"), {
    status: 503,
    fields: { "Content-Type": "text/plain" },
  });
  answers(server, "with a variable", get("/varying/a.txt?type=b/c&date=now"), {
    status: 200,
    fields: { "Content-Type": "b/c", "Last-Modified": "now" },
  });
  answers(server, "an empty value removes validators alone", get("/removed/a.txt"), {
    status: 200,
    fields: { "Content-Type": "text/plain", "Last-Modified": null, ETag: null, "Accept-Ranges": "bytes" },
  });
});

answers(server, "expires takes the place of a script's Expires; Cache-Control is a list", get("/expiring/a.out"), {
  status: 200,
  fields: { Expires: /[^,]+, [^,]+ GMT/, "Cache-Control": "private, max-age=3600" },
});

answers(server, "of what a script says twice and cannot repeat, the last counts", get("/twice.out"), {
  status: 200,
  fields: { ETag: '"b"', "X-A": "1, 2" },
});

describe("error_page for a redirect", () => {
  answers(server, "with another status", get("/redirect/"), {
    status: 200,
    fields: { Location: "/x", "Content-Type": "text/plain" },
    body: "a file\n",
  });
  answers(server, "with its own", get("/moved/"), { status: 302, fields: { Location: "/x" }, body: "a file\n" });
  answers(server, "to a folder's slash", get("/slash/folder?q"), {
    status: 301,
    fields: { Location: "/slash/folder/?q", "Content-Type": "text/plain" },
    body: "a file\n",
  });
  test("to another address", async () => {
    const reply = await exchange(server.port, get("/elsewhere/"), { status: 302 });
    expect(reply.fields.filter(([name]) => name === "Location")).toEqual([["Location", "http://other.test/"]]);
  });
});
