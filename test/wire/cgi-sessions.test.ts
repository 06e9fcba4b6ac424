/** Scripts and the session of their visitor: SESSION_ID and SESSION_DATA go in, X-Session-Patch comes out. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { check } from "./cases.ts";
import { ask, get, type Reply } from "./client.ts";
import { leavesNothing, TEXT, untilLogged, useScripts } from "./scripts.ts";
import { withBody } from "./upload-requests.ts";

setDefaultTimeout(60_000);

const server = useScripts({
  directives: "session on; location /api { session_api; } location /without/ { session off; }",
  scripts: {
    "show.sh": `${TEXT}; printf '%s %s' "$SESSION_ID" "$SESSION_DATA"`,
    "without/show.sh": `${TEXT}; printf '[%s%s]' "$SESSION_ID" "$SESSION_DATA"`,
    "without/patch.sh": `printf 'Content-Type: text/plain\\nX-Session-Patch: {"a":1}\\n\\nbody'`,
    "patch.sh": `printf 'Content-Type: text/plain\\nX-Session-Patch: %s\\n\\npatched' "$(cat)"`,
    "redirect.sh": `printf 'Location: /show.sh\\nX-Session-Patch: {"from":"redirect"}\\n\\n'`,
    "away.sh": `printf 'Location: http://a.example/\\nX-Session-Patch: {"away":true}\\n\\n'`,
    "twice.sh": `printf 'Content-Type: text/plain\\nX-Session-Patch: {}\\nX-Session-Patch: {}\\n\\n'`,
    "bad.sh": `printf 'Status: 700\\nX-Session-Patch: {"bad":1}\\n\\n'`,
    "nph-patch.sh": `printf 'HTTP/1.1 200 OK\\r\\nX-Session-Patch: {"nph":1}\\r\\n\\r\\nraw'`,
  },
});

/** What follows the id in a cookie is the server's proof that it is its own. */
const idOf = (cookie: string): string => /^sid=(\w{32})/.exec(cookie)![1]!;
const cookieOf = (reply: Reply): string => /^sid=[^;]+/.exec(reply.field("set-cookie") ?? "")![0];

/** A visitor with data. */
async function visitor(data: object): Promise<string> {
  const body = Buffer.from(JSON.stringify(data));
  const reply = await ask(server.port, withBody("POST", "/patch.sh", body));
  check(reply, { status: 200, fields: { "x-session-patch": null }, body: "patched" });
  return cookieOf(reply);
}

const dataOf = async (Cookie: string): Promise<unknown> =>
  JSON.parse((await ask(server.port, get("/api", { Cookie }))).text);

describe("X-Session-Patch", () => {
  test("stores what SESSION_DATA then has, and the client never sees it", async () => {
    const cookie = await visitor({ name: "Ada", cart: [1, 2] });
    const { text } = await ask(server.port, get("/show.sh", { Cookie: cookie }));
    const [id, ...data] = text.split(" ");
    expect(id).toBe(idOf(cookie));
    expect(JSON.parse(data.join(" "))).toEqual({ name: "Ada", cart: [1, 2] });
    expect(await dataOf(cookie)).toEqual({ name: "Ada", cart: [1, 2] });
  });

  test("is a merge patch", async () => {
    const cookie = await visitor({ a: 1, b: { c: 2, d: 3 } });
    await ask(server.port, withBody("POST", "/patch.sh", '{"a":null,"b":{"d":4}}', { fields: { Cookie: cookie } }));
    expect(await dataOf(cookie)).toEqual({ b: { c: 2, d: 4 } });
  });

  test.each(["not json", "[1]", "17", `{"big":"${"x".repeat(5000)}"}`])(
    "that is %p is told, and changes nothing",
    async (patch) => {
      const cookie = await visitor({ kept: true });
      const reply = await ask(server.port, withBody("POST", "/patch.sh", patch, { fields: { Cookie: cookie } }));
      check(reply, { status: 200, fields: { "x-session-patch": null }, body: "patched" });
      expect(await dataOf(cookie)).toEqual({ kept: true });
      await untilLogged(server, /X-Session-Patch was refused/);
    },
  );

  test("with UTF-8", async () => {
    const cookie = await visitor({ name: "Ünïcödé 日本" });
    expect(await dataOf(cookie)).toEqual({ name: "Ünïcödé 日本" });
    expect((await ask(server.port, get("/show.sh", { Cookie: cookie }))).text).toContain("Ünïcödé 日本");
  });

  test("counts before a redirect, inside the server and away from it", async () => {
    const cookie = await visitor({ was: 1 });
    const reply = await ask(server.port, get("/redirect.sh", { Cookie: cookie }));
    check(reply, { status: 200, body: /\{.*"from":"redirect".*\}$/ });
    check(await ask(server.port, get("/away.sh", { Cookie: cookie })), {
      status: 302,
      fields: { "x-session-patch": null },
    });
    expect(await dataOf(cookie)).toEqual({ was: 1, from: "redirect", away: true });
  });

  test("twice, or in a bad header block, is 502 and changes nothing", async () => {
    const cookie = await visitor({ was: 1 });
    for (const path of ["/twice.sh", "/bad.sh"]) {
      check(await ask(server.port, get(path, { Cookie: cookie })), {
        status: 502,
        fields: { "x-session-patch": null },
      });
    }
    expect(await dataOf(cookie)).toEqual({ was: 1 });
  });

  test("where there is no session it is nobody's", async () => {
    check(await ask(server.port, get("/without/patch.sh")), {
      status: 200,
      fields: { "x-session-patch": null, "set-cookie": null },
      body: "body",
    });
  });
});

test("a new visitor has an id and no data", async () => {
  const reply = await ask(server.port, get("/show.sh"));
  expect(reply.text).toBe(`${idOf(cookieOf(reply))} {}`);
});

test("an id that the server did not issue is replaced before the script sees it", async () => {
  const forged = "sid=0123456789abcdef0123456789abcdef";
  const reply = await ask(server.port, get("/show.sh", { Cookie: forged }));
  expect(reply.text).toBe(`${idOf(cookieOf(reply))} {}`);
  expect(reply.text).not.toContain("0123456789abcdef");
});

test("without `session` a script knows nobody", async () => {
  const cookie = await visitor({ secret: 1 });
  check(await ask(server.port, get("/without/show.sh", { Cookie: cookie })), { status: 200, body: "[]" });
});

leavesNothing(server);
