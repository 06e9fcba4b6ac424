/** fastcgi_param and its siblings: what a program learns of its request; and the conversations about it. */
import { describe, expect, test } from "bun:test";
import type { Settings } from "../../../../src/config/model.ts";
import { FastcgiProtocol } from "../../../../src/handlers/fastcgi/fastcgi.ts";
import { ScgiProtocol } from "../../../../src/handlers/fastcgi/scgi.ts";
import { UwsgiProtocol } from "../../../../src/handlers/fastcgi/uwsgi.ts";
import type { Conversation } from "../../../../src/handlers/gateway/protocol.ts";
import type { RequestLike } from "../world.ts";
import { template } from "../world.ts";
import { endRequest, exchangeOf, FAMILY, params, readRequest, record, STDERR, STDOUT } from "./world.ts";

function begin(request: RequestLike, only: Partial<Settings["fastcgiOnly"]> = {}, changes: Partial<Settings> = {}) {
  const fastcgiOnly = { params: [], index: null, splitPathInfo: null, keepConn: false, catchStderr: [], ...only };
  const exchange = exchangeOf(request, { fastcgiOnly, ...changes });
  const protocol = new FastcgiProtocol(exchange.settings, exchange.templates);
  const length = Math.max(0, exchange.request.contentLength);
  return {
    exchange,
    protocol,
    conversation: protocol.begin(exchange, { length }, (text) => exchange.log("error", text)),
  };
}

/** Parameters as a program gets them. */
function learns(request: RequestLike, only: Partial<Settings["fastcgiOnly"]> = {}, changes: Partial<Settings> = {}) {
  return Object.fromEntries(readRequest(begin(request, only, changes).conversation.head).params);
}

describe("fastcgi_param", () => {
  test("constants and variables; if_not_empty", () => {
    const given = params(
      "A 1",
      "B $request_method",
      "C x$args",
      "HTTPS $https if_not_empty",
      "E $args",
      "F x if_not_empty",
    );
    expect(learns({ target: "/?" }, { params: given })).toEqual({
      A: "1",
      B: "GET",
      C: "x",
      E: "",
      F: "x",
      HTTP_HOST: "Example.org:8080",
    });
  });

  test("are sent in order, each as often as it is given", () => {
    const { conversation } = begin({}, { params: params("A 1", "B $args", "A 2") });
    expect(readRequest(conversation.head).params.slice(0, 3)).toEqual([
      ["A", "1"],
      ["B", ""],
      ["A", "2"],
    ]);
  });

  test("$fastcgi_script_name and $fastcgi_path_info", () => {
    const given = params("S $document_root$fastcgi_script_name", "P $fastcgi_path_info");
    const only = { params: given, index: template("index.php") };
    const split = { ...only, splitPathInfo: /^(.+?\.php)(\/.*)$/u };
    const root = { root: template("/w") };
    expect(learns({ target: "/a%20b.php" }, only, root)).toMatchObject({ S: "/w/a b.php", P: "" });
    expect(learns({ target: "/a/" }, only, root)).toMatchObject({ S: "/w/a/index.php", P: "" });
    expect(learns({ target: "/a.php/b/" }, only, root)).toMatchObject({ S: "/w/a.php/b/index.php", P: "" });
    expect(learns({ target: "/a.php/%C3%A4/" }, split, root)).toMatchObject({ S: "/w/a.php", P: "/\xc3\xa4/" });
    expect(learns({ target: "/a.html" }, split, root)).toMatchObject({ S: "/w/a.html", P: "" });
  });
});

describe("the request's fields", () => {
  test("become HTTP_*", () => {
    const fields = [
      "User-Agent: x",
      "Accept: a",
      "Accept: b",
      "Cookie: c=1",
      "cookie: d=2",
      "X_Y: no",
      "Content-Type: t",
    ];
    expect(learns({ fields })).toEqual({
      HTTP_HOST: "Example.org:8080",
      HTTP_USER_AGENT: "x",
      HTTP_ACCEPT: "a, b",
      HTTP_COOKIE: "c=1; d=2",
      HTTP_CONTENT_TYPE: "t",
    });
  });

  test("Proxy never does (httpoxy)", () => {
    expect(learns({ fields: ["Proxy: http://evil/"] })).not.toHaveProperty("HTTP_PROXY");
  });

  test("a parameter of the same name replaces one; an empty one keeps it back", () => {
    const given = params("HTTP_USER_AGENT mine", "HTTP_ACCEPT $args");
    expect(learns({ fields: ["User-Agent: x", "Accept: y"] }, { params: given })).toEqual({
      HTTP_HOST: "Example.org:8080",
      HTTP_USER_AGENT: "mine",
    });
  });

  test("fastcgi_pass_request_headers off", () => {
    const fastcgi = { ...FAMILY, passRequestHeaders: false };
    expect(learns({ fields: ["A: b"] }, {}, { fastcgi })).toEqual({});
  });

  test("Transfer-Encoding does not: the body comes without it, and $content_length is what it adds up to", () => {
    const exchange = exchangeOf(
      { method: "POST", fields: ["Transfer-Encoding: chunked"] },
      {
        fastcgiOnly: { ...begin({}).exchange.settings.fastcgiOnly, params: params("CONTENT_LENGTH $content_length") },
      },
    );
    const protocol = new FastcgiProtocol(exchange.settings, exchange.templates);
    const read = (length: number) =>
      Object.fromEntries(readRequest(protocol.begin(exchange, { length }, () => {}).head).params);
    expect(read(7)).toEqual({ CONTENT_LENGTH: "7", HTTP_HOST: "Example.org:8080" });
    expect(read(-1)).toEqual({ CONTENT_LENGTH: "", HTTP_HOST: "Example.org:8080" });
  });
});

/** Feeds a conversation a reply as a source does. */
function receives(conversation: ReturnType<typeof begin>["conversation"], ...pieces: Buffer[]) {
  let body = "";
  let head = 0;
  for (const piece of pieces) {
    const bytes = Buffer.from(piece);
    const n = conversation.decode(bytes, 0, bytes.length);
    let at = 0;
    if (n > 0 && head === 0) head = at = conversation.replyHead.feed(bytes, 0, n);
    if (n < 0 || at < 0) return { refused: n < 0 ? conversation.reason : conversation.replyHead.reason };
    if (head > 0) body += bytes.latin1Slice(at, n);
  }
  const { complete, reusable } = conversation;
  const { status } = conversation as unknown as { status: number };
  return { status, body, complete, reusable };
}

describe("a FastCGI reply", () => {
  const head = "Content-Type: text/plain\r\n\r\n";
  test("ends with END_REQUEST, and the connection may stay", () => {
    const reply = [record(STDOUT, `${head}hi`), endRequest()];
    expect(receives(begin({}, { keepConn: true }).conversation, ...reply)).toEqual({
      status: 200,
      body: "hi",
      complete: true,
      reusable: true,
    });
    expect(receives(begin({}).conversation, ...reply)).toMatchObject({ complete: true, reusable: false });
  });

  test("ends with stdout only if the connection does not stay", () => {
    const reply = [record(STDOUT, `${head}hi`), record(STDOUT, "")];
    expect(receives(begin({}, { keepConn: true }).conversation, ...reply)).toMatchObject({ complete: false });
    expect(receives(begin({}).conversation, ...reply)).toMatchObject({ complete: true });
  });

  test("is not complete when the connection just ends", () => {
    const { conversation } = begin({});
    receives(conversation, record(STDOUT, `${head}hi`));
    expect(conversation.onEnd()).toBe(false);
  });

  test("is not reusable with something behind it", () => {
    const reply = Buffer.concat([record(STDOUT, head), endRequest(), Buffer.from("x")]);
    expect(receives(begin({}, { keepConn: true }).conversation, reply)).toMatchObject({
      complete: true,
      reusable: false,
    });
  });

  test("stderr is logged in nginx's words", () => {
    const { exchange, conversation } = begin({});
    receives(conversation, record(STDERR, "PHP message: oh.\n"), record(STDERR, ""), record(STDOUT, head));
    expect(exchange.logged).toEqual([
      'error: FastCGI sent in stderr: "PHP message: oh" while reading response header from upstream',
    ]);
  });

  test("stderr without end is cut", () => {
    const { exchange, conversation } = begin({});
    receives(conversation, ...Array.from({ length: 50 }, () => record(STDERR, "x".repeat(4000))));
    expect(exchange.logged).toHaveLength(17);
    expect(exchange.logged.at(-1)).toContain('", more of it is left out while');
  });

  test("fastcgi_catch_stderr refuses before the head, not after", () => {
    const only = { catchStderr: ["Fatal"] };
    const fatal = record(STDERR, "PHP Fatal error");
    expect(receives(begin({}, only).conversation, fatal)).toHaveProperty("refused");
    expect(receives(begin({}, only).conversation, record(STDOUT, head), fatal)).toMatchObject({ status: 200 });
  });
});

describe("the head of a reply", () => {
  const status = (head: string) => receives(begin({}).conversation, record(STDOUT, head));
  test("Status, Location, neither", () => {
    expect(status("Status: 404 Not Found\n\n")).toMatchObject({ status: 404 });
    expect(status("Location: /x\r\n\r\n")).toMatchObject({ status: 302 });
    expect(status("Status: 301\nLocation: /x\n\n")).toMatchObject({ status: 301 });
    expect(status("\n")).toMatchObject({ status: 200 });
  });

  for (const [head, reason] of [
    ["HTTP/1.1 200 OK\r\n\r\n", "invalid header"],
    ["<html>\n", "invalid header"],
    ["A b: c\n\n", "invalid header"],
    [" A: c\n\n", "invalid header"],
    ["A: \x01\n\n", "invalid header"],
    ["Status: abc\n\n", "invalid status"],
    ["Status: 100\n\n", "invalid status"],
    ["Content-Length: 1\nContent-Length: 1\n\n", "duplicate header line"],
    ["Content-Length: -1\n\n", 'invalid "Content-Length" header'],
    [`A: ${"b".repeat(5000)}`, "too big header"],
  ] as const) {
    test(`${JSON.stringify(head.slice(0, 30))} is refused`, () => {
      expect(status(head).refused).toStartWith(reason);
    });
  }

  test("the client gets the fields without those that are hidden or about the connection", () => {
    const fastcgi = { ...FAMILY, hideHeaders: ["x-powered-by"] };
    const { exchange, conversation } = begin({}, {}, { fastcgi });
    const lines =
      "Server: php|Date: x|X-Powered-By: PHP|Connection: close|X-Accel-Expires: 1|Set-Cookie: a|Set-Cookie: b|Content-Type: t|Content-Type: u";
    receives(conversation, record(STDOUT, `${lines.replaceAll("|", "\r\n")}\r\n\r\n`), record(STDOUT, ""));
    conversation.replyHead.reply(exchange, { kind: "stream", length: -1, read: () => 0, close: () => {} } as never);
    expect(exchange.sentFields).toEqual([
      ["Server", "php"],
      ["Date", "x"],
      ["Set-Cookie", "a"],
      ["Set-Cookie", "b"],
      ["Content-Type", "t"],
    ]);
  });
});

describe("uwsgi", () => {
  const packet = (modifiers: number[], ...lines: string[]) => {
    const [modifier1 = 0, modifier2 = 0] = modifiers;
    const exchange = exchangeOf(
      { fields: ["A: b"] },
      { uwsgiOnly: { params: params(...lines), modifier1, modifier2 } },
    );
    return new UwsgiProtocol(exchange.settings, exchange.templates).begin(exchange, { length: 0 });
  };
  const uwsgi = (modifiers: number[], ...lines: string[]) => packet(modifiers, ...lines) as Conversation;

  test("is one packet with the modifiers", () => {
    expect(uwsgi([5, 7], "X yz").head.latin1Slice()).toBe(
      "\x05\x2f\0\x07" + "\x01\0X\x02\0yz" + "\x09\0HTTP_HOST\x10\0Example.org:8080" + "\x06\0HTTP_A\x01\0b",
    );
  });

  test("of at most 64 KB", () => {
    expect(packet([], `X ${"y".repeat(66_000)}`)).toMatch(/^uwsgi request is too big: 66\d\d\d$/);
  });

  test("a reply begins with a status line or without", () => {
    expect(receives(uwsgi([]), Buffer.from("HTTP/1.0 404 Nope\r\nA: b\r\n\r\nhi"))).toMatchObject({
      status: 404,
      body: "hi",
    });
    expect(receives(uwsgi([]), Buffer.from("Status: 403\r\n\r\n"))).toMatchObject({ status: 403 });
    expect(receives(uwsgi([]), Buffer.from("HTTP/1.1 OK\r\n\r\n"))).toHaveProperty("refused");
  });

  test("a reply ends with the connection, or at its Content-Length", () => {
    const open = uwsgi([]);
    expect(receives(open, Buffer.from("HTTP/1.1 200 OK\r\n\r\nhi"))).toMatchObject({ complete: false });
    expect(open.onEnd()).toBe(true);
    const told = uwsgi([]);
    expect(receives(told, Buffer.from("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi"))).toMatchObject({
      complete: false,
    });
    expect(told.onEnd()).toBe(false);
    expect(receives(told, Buffer.from("!?"))).toMatchObject({ complete: true });
  });
});

describe("SCGI", () => {
  test("is a netstring that begins with CONTENT_LENGTH", () => {
    const exchange = exchangeOf(
      { method: "POST", fields: ["Content-Length: 3"] },
      { scgiOnly: { params: params("SCGI 1") } },
    );
    const { head } = new ScgiProtocol(exchange.settings, exchange.templates).begin(exchange, { length: 3 });
    const headers = "CONTENT_LENGTH\x003\0SCGI\x001\0HTTP_HOST\0Example.org:8080\0HTTP_CONTENT_LENGTH\x003\0";
    expect(head.latin1Slice()).toBe(`${headers.length}:${headers},`);
  });
});
