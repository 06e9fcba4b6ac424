/** What a script's output makes of the reply (RFC 3875 §6): header blocks good and bad, Status, lengths, HEAD, and replies that may have no body. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Expected, exchange } from "./cases.ts";
import { Client, get } from "./client.ts";
import { leavesNothing, TEXT, untilEnded, untilLogged, useScripts } from "./scripts.ts";

setDefaultTimeout(60_000);

const HTML = { "content-type": "text/html" };

/** A file is its own output: cat is its interpreter. */
const GOOD: Readonly<Record<string, [output: string, expected: Expected]>> = {
  "LF line ends": ["Content-Type: text/html\n\nbody\n", { status: 200, fields: HTML, body: "body\n" }],
  "CRLF line ends": ["Content-Type: text/html\r\n\r\nbody\r\n", { status: 200, fields: HTML, body: "body\r\n" }],
  "line ends of both kinds": [
    "Status: 201\r\nContent-Type: text/html\n\r\nbody",
    { status: 201, fields: HTML, body: "body" },
  ],
  "an empty body": ["Content-Type: text/html\n\n", { status: 200, fields: HTML, body: "" }],
  "a body that begins with line ends": ["Content-Type: text/html\n\n\n\r\nx", { status: 200, body: "\n\r\nx" }],
  "names in any case, values without their white space": [
    "cONTENT-tYPE:text/html\nX-A: \t a b \t\n\n",
    { status: 200, fields: { ...HTML, "x-a": "a b" } },
  ],
  "Status with its words": [
    "Status: 404 Nothing There\nContent-Type: text/html\n\nno",
    { status: 404, fields: HTML, body: "no" },
  ],
  "Status alone": ["Status: 404\n\n", { status: 404, fields: { status: null }, body: "" }],
  "an unusual Status": ["Status: 299 Odd\nContent-Type: text/html\n\nx", { status: 299, body: "x" }],
  "an error's own page": [
    "Status: 503 Busy\nContent-Type: text/html\nRetry-After: 7\n\nwait",
    { status: 503, fields: { "retry-after": "7" }, body: "wait" },
  ],
  "an absolute Location": [
    "Location: http://other.example/x?y\n\n",
    { status: 302, fields: { location: "http://other.example/x?y" }, body: "" },
  ],
  "an absolute Location with a body": [
    "Location: https://other.example/\nContent-Type: text/html\n\nthere",
    { status: 302, fields: { ...HTML, location: "https://other.example/" }, body: "there" },
  ],
  "Location with a Status goes to the client": [
    "Status: 301\nLocation: /there\n\n",
    { status: 301, fields: { location: "/there" } },
  ],
  "201 with a Location": [
    "Status: 201\nLocation: /new\nContent-Type: text/html\n\nmade",
    { status: 201, fields: { location: "/new" }, body: "made" },
  ],
  "//host is no path of this server": [
    "Location: //other.example/\n\n",
    { status: 302, fields: { location: "//other.example/" } },
  ],
  "repeated fields stay apart and in order": [
    "Set-Cookie: a=1; Path=/\nContent-Type: text/html\nSet-Cookie: b=2\n\n",
    { status: 200, fields: { "set-cookie": "a=1; Path=/, b=2" } },
  ],
  "Content-Length that is right": [
    "Content-Type: text/html\nContent-Length: 4\n\nbody",
    { status: 200, fields: { "content-length": "4", "transfer-encoding": null }, body: "body" },
  ],
  "Content-Length 0": [
    "Content-Type: text/html\nContent-Length: 0\n\n",
    { status: 200, fields: { "content-length": "0" }, body: "" },
  ],
  "more than Content-Length is cut": [
    "Content-Type: text/html\nContent-Length: 3\n\nbody",
    { status: 200, fields: { "content-length": "3" }, body: "bod" },
  ],
  "far more than Content-Length is cut": [
    `Content-Type: text/html\nContent-Length: 3\n\n${"x".repeat(500_000)}`,
    { status: 200, body: "xxx" },
  ],
  "204 has no body": [
    "Status: 204\n\nbody",
    { status: 204, fields: { "content-length": null, "transfer-encoding": null }, body: "" },
  ],
  "204 with a type and a length": [
    "Status: 204\nContent-Type: text/html\nContent-Length: 4\n\nbody",
    { status: 204, body: "" },
  ],
  "205 has no body": [
    "Status: 205\nContent-Type: text/html\n\nbody",
    { status: 205, fields: { "content-length": "0", "transfer-encoding": null }, body: "" },
  ],
  "405 says what is allowed": ["Status: 405\n\n", { status: 405, fields: { allow: /(GET|HEAD), POST, OPTIONS/ } }],
  "405 with the script's own Allow": ["Status: 405\nALLOW: PUT\n\n", { status: 405, fields: { allow: "PUT" } }],
  "an empty Content-Type is none": [
    "Status: 200\nContent-Type:\n\nx",
    { status: 200, fields: { "content-type": null } },
  ],
  "304 has no body": ['Status: 304\nETag: "x"\n\nbody', { status: 304, fields: { etag: '"x"' }, body: "" }],
  "fields of a connection are not the script's": [
    "Content-Type: text/html\nConnection: x-own\nTransfer-Encoding: gzip\nKeep-Alive: 5\nUpgrade: h2c\nTrailer: X\nTE: x\n\nbody",
    {
      status: 200,
      fields: {
        connection: null,
        "keep-alive": null,
        upgrade: null,
        trailer: null,
        te: null,
        "transfer-encoding": "chunked",
      },
      body: "body",
    },
  ],
  "Date and Server are the server's": [
    "Content-Type: text/html\nDate: yesterday\nServer: mine\n\n",
    { status: 200, fields: { date: /\w{3}, .* GMT/, server: /webserv.*/ } },
  ],
  "octets above 0x7F in a value": [
    "Content-Type: text/html\nX-A: \xe4\xf6\n\n",
    { status: 200, fields: { "x-a": "\xe4\xf6" } },
  ],
  "64 KB of header block": [
    `Content-Type: text/html\nX-A: ${"a".repeat(65_000)}\n\nbody`,
    { status: 200, body: "body" },
  ],
};

const BAD: Readonly<Record<string, [output: string, reason: string]>> = {
  nothing: ["", "ended before its header block did"],
  "no empty line": ["Content-Type: text/html\n", "ended before its header block did"],
  "no line end": ["Content-Type: text/html", "ended before its header block did"],
  "no header block": ["hello\n", "no colon"],
  "a body at once": ["\nhello\n", "neither Content-Type"],
  "fields, but none of those that make a reply": ["X-A: b\n\nhello", "neither Content-Type nor Location nor Status"],
  "a byte order mark": ["\xef\xbb\xbfContent-Type: text/html\n\n", "no field name"],
  "an empty Content-Type alone": ["Content-Type: \n\nhello", "neither Content-Type nor Location nor Status"],
  "a folded line": ["Content-Type: text/html\nX-A: b\n c\n\n", "white space"],
  "a line that begins with white space": [" Content-Type: text/html\n\n", "white space"],
  "white space before the colon": ["Content-Type : text/html\n\n", "no field name"],
  "an empty name": ["Content-Type: text/html\n: x\n\n", "no field name"],
  "a name that is no token": ["Content-Type: text/html\nX(A): b\n\n", "no field name"],
  "NUL in a value": ["Content-Type: text/html\nX-A: a\0b\n\n", "control character"],
  "CR in a value": ["Content-Type: text/html\nX-A: a\rSet-Cookie: x=y\n\n", "control character"],
  "escape in a value": ["Content-Type: text/html\nX-A: \x1b[0m\n\n", "control character"],
  "two Status": ["Status: 200\nStatus: 404\n\n", "Status twice"],
  "two Location": ["Location: /a\nLocation: /b\n\n", "Location twice"],
  "two Content-Length": ["Content-Type: text/html\nContent-Length: 1\nContent-Length: 1\n\nx", "Content-Length twice"],
  "two Content-Type": ["Content-Type: text/html\nContent-Type: text/plain\n\nx", "Content-Type twice"],
  "Status that is no number": ["Status: OK\n\n", "Status is"],
  "Status 99": ["Status: 99\n\n", "Status is"],
  "Status 600": ["Status: 600\n\n", "Status is"],
  "Status 100": ["Status: 100\n\n", "Status is"],
  "Status 101": ["Status: 101\n\n", "Status is"],
  "an empty Status": ["Status:\nContent-Type: text/html\n\n", "Status is"],
  "HTTP's status line": ["HTTP/1.1 200 OK\nContent-Type: text/html\n\n", "no colon|no field name"],
  "an empty Location": ["Location:\n\n", "Location"],
  "a negative Content-Length": ["Content-Type: text/html\nContent-Length: -1\n\n", "Content-Length is"],
  "Content-Length in words": ["Content-Type: text/html\nContent-Length: four\n\nbody", "Content-Length is"],
  "Content-Length as a list": ["Content-Type: text/html\nContent-Length: 4, 4\n\nbody", "Content-Length is"],
  "Content-Length beyond 2^53": [
    "Content-Type: text/html\nContent-Length: 9007199254740993\n\nbody",
    "Content-Length is",
  ],
  "more than 64 KB of header block": [`Content-Type: text/html\nX-A: ${"a".repeat(66_000)}\n\n`, "longer than 65536"],
  "a line without end": ["x".repeat(200_000), "longer than 65536"],
};

const fileOf = (table: object, kind: string, name: string): string => `${kind}${Object.keys(table).indexOf(name)}.out`;

const outputs = [
  ...Object.entries(GOOD).map(([name, [output]]) => [fileOf(GOOD, "good", name), output] as const),
  ...Object.entries(BAD).map(([name, [output]]) => [fileOf(BAD, "bad", name), output] as const),
  ["short.out", "Content-Type: text/html\nContent-Length: 10\n\nbody"] as const,
];

const server = useScripts({
  server: "root www; cgi .out /bin/cat; cgi .sh /bin/sh;",
  directives: "location /charset/ { charset utf-8; cgi_param TYPE $arg_type; }",
  files: Object.fromEntries(outputs.map(([name, output]) => [`www/${name}`, Buffer.from(output, "latin1")])),
  scripts: {
    "charset/type.sh": `printf 'Content-Type: %s\\n\\nx' "$TYPE"`,
    "endless.sh": `echo $$ > "$DOCUMENT_ROOT/../endless"; ${TEXT}; exec cat /dev/zero`,
  },
});

describe("a reply from", () => {
  test.each(Object.keys(GOOD))("%s", async (name) => {
    await exchange(server.port, get(`/${fileOf(GOOD, "good", name)}`), GOOD[name]![1]);
  });
});

describe("HEAD has GET's fields and no body, for", () => {
  test.each(Object.keys(GOOD))("%s", async (name) => {
    const { status, fields = {} } = GOOD[name]![1];
    const { "transfer-encoding": _, "content-length": length, ...others } = fields;
    const path = `/${fileOf(GOOD, "good", name)}`;
    const reply = await exchange(server.port, get(path, {}, "HEAD"), { status, fields: others });
    if (typeof length === "string") expect(reply.field("content-length")).toBe(length);
  });
});

describe("502 for", () => {
  test.each(Object.keys(BAD))("%s", async (name) => {
    const fields = { "content-type": /text\/html.*/, "set-cookie": null, "x-a": null };
    await exchange(server.port, get(`/${fileOf(BAD, "bad", name)}`), { status: 502, fields });
  });

  test("each reason is in the error log", async () => {
    for (const [name, [, reason]] of Object.entries(BAD)) {
      await untilLogged(server, new RegExp(`/${fileOf(BAD, "bad", name)}" .*(?:${reason})`));
    }
  });
});

test("charset is added to a text type without one, as to a file's", async () => {
  const charsets: [type: string, sent: string][] = [
    ["text/html", "text/html; charset=utf-8"],
    ["text/html;charset=latin1", "text/html;charset=latin1"],
    ["image/png", "image/png"],
  ];
  for (const [type, sent] of charsets) {
    const path = `/charset/type.sh?type=${type}`;
    await exchange(server.port, get(path), { status: 200, fields: { "content-type": sent }, body: "x" });
  }
});

test("HTTP/1.0 gets its body until the connection's end, or with the length it has", async () => {
  const client = await Client.connect(server.port);
  void client.send(`GET /${fileOf(GOOD, "good", "LF line ends")} HTTP/1.0\r\n\r\n`);
  const bytes = (await client.rest()).toString("latin1");
  expect(bytes).toMatch(/^HTTP\/1\.1 200 [\s\S]*\r\n\r\nbody\n$/);
  expect(bytes).not.toMatch(/^transfer-encoding:/im);
});

test("less than Content-Length closes the connection where the bytes end", async () => {
  const client = await Client.connect(server.port);
  void client.send(get("/short.out") + get("/short.out"));
  expect((await client.rest()).toString("latin1")).toMatch(
    /^HTTP\/1\.1 200 [\s\S]*\r\nContent-Length: 10\r\n[\s\S]*\r\nbody$/i,
  );
});

test("HEAD and 304 do not wait for a body that never ends: the script is told", async () => {
  for (const method of ["HEAD", "HEAD"]) {
    await exchange(server.port, get("/endless.sh", {}, method), {
      status: 200,
      fields: { "content-type": "text/plain" },
    });
    await untilEnded(Number(readFileSync(join(server.folder, "endless"), "latin1")));
  }
});

leavesNothing(server);
