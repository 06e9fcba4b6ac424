/**
 * Paths and names that want to leave the store, against a real server: each is refused or reduced as docs/behaviour.md says, and
 * nothing outside the store is touched.
 */
import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { ask } from "./client.ts";
import { useServer } from "./server.ts";

setDefaultTimeout(60_000);

const server = useServer({
  configuration: `
    server {
      listen 127.0.0.1:0;
      location /up/   { upload_store store; alias store/; }
      location /dots/ { upload_store store; alias store/; dotfiles allow; }
      location /deny/ { upload_store store; alias store/; symlinks deny; }
      location /follow/ { upload_store store; alias store/; symlinks follow; }
    }`,
  files: { "outside/secret.txt": "secret", "store/x": "" },
});

const at = (path: string): string => join(server.folder, path);

/** Everything in the server's folder: path, kind and content. */
function everything(): Record<string, string> {
  const found: Record<string, string> = {};
  const walk = (folder: string): void => {
    for (const name of readdirSync(at(folder)).sort()) {
      const path = join(folder, name);
      const status = lstatSync(at(path));
      if (status.isSymbolicLink()) found[path] = `-> ${readlinkSync(at(path))}`;
      else if (status.isFile()) found[path] = readFileSync(at(path), "latin1");
      else if (name !== ".webserv" || readdirSync(at(path)).some((unfinished) => !unfinished.endsWith(".lock"))) {
        found[path] = "folder";
        walk(path);
      }
    }
  };
  walk(".");
  return found;
}

beforeEach(() => {
  for (const name of readdirSync(at("store"))) rmSync(at(`store/${name}`), { recursive: true });
  mkdirSync(at("store/dir"));
  writeFileSync(at("store/file"), "old");
  for (const [name, target] of Object.entries({
    "out-folder": at("outside"),
    "out-relative": "../outside",
    "out-file": at("outside/secret.txt"),
    "out-new": at("outside/new"),
    "to-root": "/",
    "to-proc": "/proc/self/cwd",
    device: "/dev/null",
    "in-folder": "dir",
    "in-absolute": at("store/dir"),
    "in-file": "file",
    loop: "loop",
    dangling: "nothing",
  })) {
    symlinkSync(target, at(`store/${name}`));
  }
});

let before: Record<string, string>;
/** What a request changed: the paths that are new, gone or other. */
function changes(): string[] {
  const after = everything();
  const all = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...all].filter((path) => before[path] !== after[path]);
}
beforeEach(() => {
  before = everything();
});
afterEach(() => {
  for (const path of changes()) expect(path).toStartWith("store/");
  expect(readFileSync(at("outside/secret.txt"), "utf8")).toBe("secret");
});

/** Sends a request whose target may have any bytes; gives the status. */
async function status(method: string, target: string, type: string, body: string): Promise<number> {
  const head = `${method} ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: ${type}\r\n`;
  const octets = Buffer.from(`${head}Content-Length: ${Buffer.byteLength(body, "latin1")}\r\n\r\n${body}`, "latin1");
  return (await ask(server.port, octets)).status;
}

const long = "n".repeat(256);

/** The target, PUT's status, what then is new in the store ("" nothing). */
const TARGETS: readonly (readonly [target: string, status: number, stored: string])[] = [
  // Climbing; 405 is another location's answer
  ["/up/../outside/a", 405, ""],
  ["/up/../../a", 400, ""],
  ["/up/../../../../../../tmp/webserv-attack", 400, ""],
  ["/up/%2e%2e/outside/a", 405, ""],
  ["/up/%2e%2e%2foutside%2fa", 405, ""],
  ["/up/%2E%2E%2F%2E%2E%2Fa", 400, ""],
  ["/up/..%2f..%2fa", 400, ""],
  ["/up/.%2e/.%2e/a", 400, ""],
  ["/up/%252e%252e%252fa", 201, "%2e%2e%2fa"],
  ["/up/dir/../../outside/a", 405, ""],
  ["/up/dir/../a", 201, "a"],
  ["/up/dir/..", 400, ""],
  ["/up/dir/.", 400, ""],
  ["/up/..;/a", 400, ""],
  ["/up/.../a", 400, ""],
  ["/up/..\\outside\\a", 400, ""],
  ["/up/..%5coutside%5ca", 400, ""],
  ["/up/a%5c..%5cb", 400, ""],
  ["/up\\..\\outside\\a", 405, ""],
  // Absolute
  ["/up//etc/webserv-attack", 201, "etc"],
  ["/up/%2fetc%2fwebserv-attack", 201, "etc"],
  ["/up/C:/a", 201, "C:"],
  ["/up/C:%5ca", 400, ""],
  ["/up/file:%2f%2f%2fetc/a", 201, "file:"],
  ["http://a/up/../../a", 400, ""],
  // NUL and control characters
  ["/up/a%00", 400, ""],
  ["/up/a%00.txt", 400, ""],
  ["/up/%00/../../a", 400, ""],
  ["/up/a%0a", 400, ""],
  ["/up/a%0d%0aSet-Cookie:%20x", 400, ""],
  ["/up/a%1b%5b2J", 400, ""],
  ["/up/a%7f", 400, ""],
  ["/up/a%c2%85", 400, ""],
  ["/up/a%e2%80%a8", 400, ""],
  // Not UTF-8
  ["/up/a%ff", 400, ""],
  ["/up/\xff\xfe", 400, ""],
  ["/up/%c0%ae%c0%ae/a", 400, ""],
  ["/up/%c0%af..%c0%afa", 400, ""],
  ["/up/%e0%80%af", 400, ""],
  ["/up/%f0%80%80%af", 400, ""],
  ["/up/%ed%a0%80", 400, ""],
  ["/up/%f4%90%80%80", 400, ""],
  ["/up/%u002e%u002e/a", 400, ""],
  ["/up/a%", 400, ""],
  ["/up/a%2", 400, ""],
  // Slashes and dots that are none
  ["/up/\u002e\uff0e", 400, ""],
  ["/up/%ef%bc%8e%ef%bc%8e/a", 201, "．．"],
  ["/up/%e2%88%95etc", 201, "∕etc"],
  ["/up/%e2%81%84", 201, "⁄"],
  // Dot names and the staging folder
  ["/up/.", 400, ""],
  ["/up/..", 405, ""],
  ["/up/.htaccess", 400, ""],
  ["/up/dir/.git/config", 400, ""],
  ["/up/.webserv", 400, ""],
  ["/up/.webserv/a", 400, ""],
  ["/up/%2ewebserv/a", 400, ""],
  ["/up/.WEBSERV/a", 400, ""],
  ["/dots/.webserv/a", 400, ""],
  ["/dots/.WEBSERV/a", 400, ""],
  ["/dots/.Webserv", 400, ""],
  ["/dots/.webserv./a", 400, ""],
  ["/dots/.webserv%20/a", 400, ""],
  ["/dots/dir/.webserv/a", 400, ""],
  ["/dots/.web%c5%bferv/a", 400, ""],
  ["/dots/.htaccess", 201, ".htaccess"],
  ["/dots/...", 201, "..."],
  // Links: one that leads to nothing is itself replaced, wherever it leads
  ["/up/out-folder/a", 403, ""],
  ["/up/out-folder/new/a", 403, ""],
  ["/up/out-relative/a", 403, ""],
  ["/up/out-file", 403, ""],
  ["/up/out-file/a", 409, ""],
  ["/up/out-new", 201, "out-new"],
  ["/up/out-new/a", 409, ""],
  ["/up/to-root/tmp/webserv-attack", 403, ""],
  ["/up/to-proc/outside/a", 403, ""],
  ["/up/device", 403, ""],
  ["/follow/out-folder/a", 403, ""],
  ["/follow/out-file", 403, ""],
  ["/follow/out-new", 201, "out-new"],
  ["/deny/in-folder/a", 403, ""],
  ["/deny/in-file", 403, ""],
  ["/up/in-folder/a", 201, "dir/a"],
  ["/up/in-absolute/a", 201, "dir/a"],
  ["/up/in-folder/new/a", 201, "dir/new"],
  ["/up/in-folder", 409, ""],
  ["/up/in-file", 204, "in-file"],
  ["/up/loop", 403, ""],
  ["/up/loop/a", 403, ""],
  ["/up/dangling", 201, "dangling"],
  ["/up/dangling/a", 409, ""],
  // Names that mean something elsewhere
  ["/up/con", 201, "con"],
  ["/up/NUL.txt", 201, "NUL.txt"],
  ["/up/COM1", 201, "COM1"],
  ["/up/dev/null", 201, "dev"],
  ["/up/a.", 201, "a."],
  ["/up/a%20", 201, "a "],
  ["/up/%20", 201, " "],
  ["/up/a::$DATA", 201, "a::$DATA"],
  ["/up/-rf", 201, "-rf"],
  ["/up/~root", 201, "~root"],
  ["/up/$(id)", 201, "$(id)"],
  ["/up/%60id%60;a%7Cb", 201, "`id`;a|b"],
  // Length
  [`/up/${long}`, 400, ""],
  [`/up/${long.slice(1)}`, 201, long.slice(1)],
  [`/up/${long}/a`, 400, ""],
  [`/up/${"%c3%bc".repeat(128)}`, 400, ""],
  [`/up/${"d/".repeat(64)}a`, 201, "d"],
  [`/up/${"d/".repeat(65)}a`, 400, ""],
  [`/up/${`${"d".repeat(100)}/`.repeat(41)}a`, 400, ""],
];

describe("PUT", () => {
  test.each(TARGETS)("%j: %p, %j", async (target, expected, stored) => {
    expect(await status("PUT", target, "text/plain", "attack")).toBe(expected);
    const top = [
      ...new Set(
        changes().map((path) =>
          path
            .split("/")
            .slice(0, 1 + stored.split("/").length)
            .join("/"),
        ),
      ),
    ];
    expect(top).toEqual(stored === "" ? [] : [`store/${stored}`]);
  });
});

describe("POST of a file", () => {
  test.each(TARGETS.filter(([, expected]) => expected === 400 || expected === 405))(
    "%j is refused as PUT refuses it",
    async (target) => {
      const reply = await status("POST", target, "text/plain", "attack");
      const named = !/\/(\.|dir\/\.\.?)$/.test(target); // a folder: POST finds a name there
      expect(reply).toBeOneOf(named ? [400, 405] : [201]);
      if (named) expect(changes()).toEqual([]);
    },
  );
});

/** A name in a form (octets, within quotes), and what it becomes: null a generated one, "" the form is refused. */
const NAMES: readonly (readonly [name: string, stored: string | null])[] = [
  ["../a", "a"],
  ["../../../../../../tmp/webserv-attack", "webserv-attack"],
  ["%2e%2e%2fa", "%2e%2e%2fa"],
  ["/etc/webserv-attack", "webserv-attack"],
  ["..\\\\..\\\\a", "a"],
  ["C:\\\\Windows\\\\a", "a"],
  ["C:a", "C:a"],
  ["..", null],
  [".", null],
  ["/", null],
  ["\\\\", null],
  ["../", null],
  ["a/..", null],
  [".htaccess", null],
  [".webserv", null],
  [".webserv/a", "a"],
  [".WEBSERV", null],
  ["dir/../../a", "a"],
  ["out-folder/a", "a"],
  ["out-folder", "out-folder-1"],
  ["out-file", "out-file-1"],
  ["out-new", "out-new-1"],
  ["device", "device-1"],
  ["loop", "loop-1"],
  ["dir", "dir-1"],
  ["a\x00b", ""],
  ["a\x07", null],
  ["a\x1b[2J", null],
  ["a\xc2\x85", null],
  ["a\xe2\x80\xa8", null],
  ["\xff\xfe", "ÿþ"],
  ["\xc0\xae\xc0\xae", "À®À®"],
  ["con", "con"],
  ["a.", "a."],
  ["a ", "a "],
  [" ", null],
  ["-rf", "-rf"],
  ["~", "~"],
  [`${long}.txt`, `${"n".repeat(251)}.txt`],
  [`${"\xc3\xbc".repeat(200)}.txt`, `${"ü".repeat(125)}.txt`],
];

async function post(parameters: string): Promise<number> {
  const body = `--b\r\nContent-Disposition: form-data; name="f"; ${parameters}\r\n\r\nattack\r\n--b--\r\n`;
  return status("POST", "/up/", "multipart/form-data; boundary=b", body);
}

async function check(parameters: string, stored: string | null): Promise<void> {
  expect(await post(parameters)).toBe(stored === "" ? 400 : 201);
  const names = changes().map((path) => path.slice("store/".length));
  if (stored === null) expect(names.join()).toMatch(/^upload-[0-9a-f]{16}$/);
  else expect(names).toEqual(stored === "" ? [] : [stored]);
}

describe("filename", () => {
  test.each(NAMES)("%j becomes %j", (name, stored) => check(`filename="${name}"`, stored));
});

describe("filename*", () => {
  /** As filename, percent-encoded; here even control characters can come. */
  const encoded = (name: string): string =>
    name.replaceAll("\\\\", "\\").replace(/[^A-Za-z0-9]/g, (c) => `%${c.charCodeAt(0).toString(16).padStart(2, "0")}`);
  const cases = NAMES.map(([name, stored]) => {
    const invalid = /[\xff\xc0]/.test(name);
    return [encoded(name), invalid ? "harmless" : stored === "" ? null : stored] as const;
  });
  test.each(cases)("%j becomes %j", (name, stored) => check(`filename="harmless"; filename*=UTF-8''${name}`, stored));
});
