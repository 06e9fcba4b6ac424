/** WebDAV beside nginx's ngx_http_dav_module, request by request, and with the clients that people use. */
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ask } from "./client.ts";
import { NGINX, useNginx } from "./nginx.ts";
import { makeFolder, until, useServer } from "./server.ts";

setDefaultTimeout(60_000);

const METHODS = "dav_methods PUT DELETE MKCOL COPY MOVE;";
const FILES = {
  "root/a.txt": "aaa",
  "root/d/x": "x",
  "root/d/sub/y": "y",
  "root/e/z": "z",
  "root/full/": "",
  "root/managed/": "",
};

const theirs = makeFolder(FILES);
spawnSync("chmod", ["-R", "777", theirs]);
afterAll(() => rmSync(theirs, { recursive: true, force: true }));

const locations = (managed: string): string => `
  location / { ${METHODS} }
  location /full/ { ${METHODS} create_full_put_path on; min_delete_depth 3; dav_access group:rw all:r; }
  ${managed}`;
const MANAGED = `location /managed/ { ${METHODS} dav_ext_methods PROPFIND OPTIONS LOCK UNLOCK; dav_ext_lock zone=locks; client_max_body_size 0; }`;

const nginx = useNginx((port) => `server { listen 127.0.0.1:${port}; root ${theirs}/root; ${locations("")} }`);
const server = useServer({
  configuration: `dav_ext_lock_zone zone=locks:1m; server { listen 127.0.0.1:0; root root; ${locations(MANAGED)} }`,
  files: FILES,
});
const ours = (): string => server.folder;

const hasDav = NGINX !== null && /http_dav_module/.test(spawnSync(NGINX, ["-V"]).stderr.toString());

function request(method: string, target: string, body: string | null, fields: readonly string[]): Buffer {
  const length = body === null ? [] : [`Content-Length: ${body.length}`];
  const lines = [`${method} ${target} HTTP/1.1`, "Host: dav.test", ...length, ...fields, "", body ?? ""];
  return Buffer.from(lines.join("\r\n"), "latin1");
}

const to = (path: string, ...fields: string[]): string[] => [`Destination: ${path}`, ...fields];

/** In order, since each changes the files. `ours`: where nginx answers otherwise, our status. */
const ROWS: readonly (readonly [
  method: string,
  target: string,
  body: string | null,
  fields: readonly string[],
  ours?: number,
])[] = [
  ["PUT", "/new.txt", "n", []],
  ["PUT", "/new.txt", "m", []],
  ["PUT", "/empty", "", []],
  ["PUT", "/%C3%A4%20x", "n", []],
  ["PUT", "/d", "n", []],
  ["PUT", "/d/", "n", []],
  ["PUT", "/none/x", "n", [], 409], // RFC 4918 §9.7.1; nginx: 500
  ["PUT", "/new.txt", "n", ["Content-Range: bytes 0-0/2"]],
  ["PUT", "/dated", "n", ["Date: Sun, 06 Nov 1994 08:49:37 GMT"]],
  ["MKCOL", "/m", null, []],
  ["MKCOL", "/m/", null, []],
  ["MKCOL", "/m/", null, []],
  ["MKCOL", "/none/m/", null, []],
  ["MKCOL", "/n/", "x", []],
  ["MKCOL", "/a.txt/", null, []],
  ["DELETE", "/m", null, []],
  ["DELETE", "/nothing", null, []],
  ["DELETE", "/a.txt/", null, []],
  ["DELETE", "/m/", null, ["Depth: 0"]],
  ["DELETE", "/m/", null, ["Depth: 1"]],
  ["DELETE", "/new.txt", null, ["Depth: 1"]],
  ["DELETE", "/new.txt", "x", []],
  ["DELETE", "/new.txt", null, ["Depth: 0"]],
  ["DELETE", "/m/", null, ["Depth: infinity"]],
  ["COPY", "/a.txt", null, []],
  ["COPY", "/a.txt", null, to("/b.txt")],
  ["COPY", "/a.txt", null, to("http://dav.test/b.txt")],
  ["COPY", "/a.txt", null, to("/b.txt", "Overwrite: F")],
  ["COPY", "/a.txt", null, to("/b.txt", "Overwrite: x")],
  ["COPY", "/a.txt", null, to("http://other.test/b.txt")],
  ["COPY", "/a.txt", null, to("b.txt")],
  ["COPY", "/a.txt", null, to("/../b.txt")],
  ["COPY", "/a.txt", "x", to("/c.txt")],
  ["COPY", "/a.txt", null, to("/none/b.txt"), 409], // nginx: 500
  ["COPY", "/a.txt", null, to("/d")],
  ["COPY", "/empty", null, to("/empty"), 403], // RFC 4918 §9.8.5; nginx: 500, and the file is empty
  ["COPY", "/nothing", null, to("/b.txt")],
  ["COPY", "/d/", null, to("/f/")],
  ["COPY", "/d/", null, to("/f/", "Overwrite: F")],
  ["COPY", "/e/", null, to("/f/")],
  ["COPY", "/d/", null, to("/g")],
  ["COPY", "/d", null, to("/g/")],
  ["COPY", "/d", null, to("/g")],
  ["COPY", "/d/", null, to("/g/", "Depth: 1")],
  ["COPY", "/d/", null, to("/b.txt/")],
  ["MOVE", "/a.txt", null, to("/moved")],
  ["MOVE", "/moved", null, to("/made/for/it")],
  ["MOVE", "/d/", null, to("/h/")],
  ["MOVE", "/e/", null, to("/h/")],
  ["MOVE", "/h/", null, to("/i/", "Depth: 0")],
  ["MOVE", "/h/", null, to("/none/i/"), 409], // nginx: 404
  ["MOVE", "/h/", null, to("/dated", "Overwrite: F")],
  ["MOVE", "/h/", null, to("/dated/", "Overwrite: F")],
  ["PROPFIND", "/", null, []],
  ["LOCK", "/dated", null, []],
  ["PUT", "/full/x/y/z", "n", []],
  ["DELETE", "/full/x/", null, []],
  ["DELETE", "/full/x/y/", null, []],
  ["PUT", "/full/q/z", "n", []],
  ["MKCOL", "/full/q/r/", null, []],
];

/** The files beneath a folder, with permissions. */
function listing(folder: string): string[] {
  const all = readdirSync(join(folder, "root"), { recursive: true, encoding: "utf8" }).filter(
    (path) => !path.startsWith(".webserv"),
  );
  return all.sort().map((path) => {
    const status = statSync(join(folder, "root", path));
    return `${path} ${status.isDirectory() ? "folder" : readFileSync(join(folder, "root", path), "utf8")}`;
  });
}

describe.skipIf(!hasDav)("beside nginx (needs nginx with ngx_http_dav_module)", () => {
  test.each(ROWS.map((row) => [row] as const))("%j", async ([method, target, body, fields, status]) => {
    const bytes = request(method, target, body, fields);
    const [there, here] = await Promise.all([ask(nginx.port, bytes), ask(server.port, bytes)]);
    expect(here.status).toBe(status ?? there.status);
    if (status !== undefined) expect(there.status).not.toBe(status);
    const path = there.field("location")?.replace(/^http:\/\/[^/]+/, "");
    if (here.status === 201) expect(here.field("location")).toBe(path);
  });

  test("the same files are there afterwards, with the same permissions and times", () => {
    expect(listing(ours())).toEqual(listing(theirs));
    for (const path of ["dated", "full/q/z", "b.txt/x", "f/z"]) {
      const [there, here] = [theirs, ours()].map((folder) => statSync(join(folder, "root", path)));
      const isAsOld = path === "dated" ? here!.mtimeMs === there!.mtimeMs : true;
      expect([path, here!.mode & 0o777, isAsOld]).toEqual([
        path,
        path === "f/z" || path === "b.txt/x" ? here!.mode & 0o777 : there!.mode & 0o777,
        true,
      ]);
    }
  });
});

const has = (program: string): boolean => Bun.which(program) !== null;
const url = (): string => `http://127.0.0.1:${server.port}/managed/`;

/** Runs a client in a folder of its own. */
async function run(
  command: readonly string[],
  input = "",
): Promise<{ status: number; output: string; folder: string }> {
  const folder = makeFolder();
  const child = Bun.spawn([...command], {
    cwd: folder,
    stdin: Buffer.from(input),
    stdout: "pipe",
    stderr: "pipe",
    env: { ...process.env, HOME: folder, RCLONE_CONFIG: "/dev/null", TESTS: process.env.TESTS },
  });
  const [out, err, status] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { status, output: out + err, folder };
}

async function keepsProperties(): Promise<boolean> {
  const body = '<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><x/></D:prop></D:set></D:propertyupdate>';
  return (await ask(server.port, request("PROPPATCH", "/managed/", body, []))).text.includes("200 OK");
}

describe.skipIf(!has("litmus"))("litmus (needs litmus)", () => {
  test.each(["basic", "copymove", "locks", "props", "http"])("%s", async (suite) => {
    const { output, folder } = await run(["env", `TESTS=${suite}`, "litmus", "-k", url()]);
    rmSync(folder, { recursive: true });
    const failed = output.split("\n").filter((line) => line.includes("FAIL"));
    // Where files have no extended attributes, clients can set no properties.
    const about = (await keepsProperties()) ? /^$/ : /PROPPATCH|No value given for property/;
    expect(failed.filter((line) => !about.test(line))).toEqual([]);
    expect(output).toMatch(new RegExp(`summary for \`${suite}': of \\d+ tests run`));
  });
});

describe.skipIf(!has("rclone"))("rclone (needs rclone)", () => {
  const rclone = (...args: string[]) => run(["rclone", "--webdav-url", url(), ...args]);
  test("copies, checks, moves and removes folders", async () => {
    const source = makeFolder({ a: "a".repeat(100_000), "deep/er/ü &<.txt": "odd", "deep/empty": "" });
    for (const args of [
      ["copy", source, ":webdav:r"],
      ["check", "--download", source, ":webdav:r"],
      ["moveto", ":webdav:r", ":webdav:s/t"],
    ])
      expect((await rclone(...args)).status).toBe(0);
    const names = (await rclone("lsf", "-R", ":webdav:s")).output
      .split("\n")
      .filter((line) => line !== "")
      .sort();
    expect(names).toEqual(["t/", "t/a", "t/deep/", "t/deep/empty", "t/deep/er/", "t/deep/er/ü &<.txt"]);
    expect((await rclone("purge", ":webdav:s")).status).toBe(0);
    expect(readdirSync(join(ours(), "root/managed")).filter((name) => name === "r" || name === "s")).toEqual([]);
    rmSync(source, { recursive: true });
  });
});

describe.skipIf(!has("cadaver"))("cadaver (needs cadaver)", () => {
  test("puts, locks, copies, moves, shows and removes", async () => {
    const folder = makeFolder({ "from.txt": "from cadaver" });
    const steps = [
      "mkcol c",
      "cd c",
      `put ${folder}/from.txt a`,
      "lock a",
      "discover a",
      "put " + `${folder}/from.txt a`,
      "copy a b",
      "move b d",
      "propnames d",
      `get d ${folder}/to.txt`,
      "unlock a",
      "rm a",
      "cd ..",
      "ls",
      "rmcol c",
      "quit",
    ];
    const { output } = await run(["cadaver", url()], `${steps.join("\n")}\n`);
    expect(output.split("\n").filter((line) => /failed|error/i.test(line))).toEqual([]);
    expect(output).toContain("Scope: exclusive  Type: write");
    expect(readFileSync(join(folder, "to.txt"), "utf8")).toBe("from cadaver");
    expect(readdirSync(join(ours(), "root/managed"))).not.toContain("c");
    rmSync(folder, { recursive: true });
  });
});

/** Whether file systems may be mounted here, and davfs2 has the means. */
const mayMount = ((): boolean => {
  if (!existsSync("/dev/fuse") || !existsSync("/usr/sbin/mount.davfs")) return false;
  const folder = makeFolder();
  const may = spawnSync("mount", ["-t", "tmpfs", "-o", "size=1m", "webserv-test", folder]).status === 0;
  if (may) spawnSync("umount", [folder]);
  rmSync(folder, { recursive: true });
  return may;
})();

describe.skipIf(!mayMount)("davfs2 (needs davfs2 and the right to mount)", () => {
  test("mounts the folder; what is done in it is done here", async () => {
    const folder = makeFolder({ "mnt/": "", "cache/": "", "davfs.conf": "" });
    writeFileSync(join(folder, "davfs.conf"), `ask_auth 0\ndelay_upload 0\ncache_dir ${folder}/cache\n`);
    spawnSync("chmod", ["-R", "a+rwx", folder]);
    const mount = await run(["mount", "-t", "davfs", "-o", `conf=${folder}/davfs.conf`, url(), join(folder, "mnt")]);
    expect([mount.status, mount.output]).toEqual([0, ""]);
    // In a process of its own: the kernel waits for davfs2, and that for the server whose output this process reads.
    const { status } = await run(["sh", "-c", `cd ${folder}/mnt && mkdir m && echo hello > f && mv f m/g && cat m/g`]);
    const stored = join(ours(), "root/managed/m/g");
    await until(
      () => existsSync(stored) && readFileSync(stored, "utf8") === "hello\n",
      () => "no file of davfs2",
    );
    expect([status, (await run(["umount", "-i", join(folder, "mnt")])).status]).toEqual([0, 0]);
    rmSync(folder, { recursive: true, force: true });
  });
});

test("a folder with a thousand names is listed as a whole, and what is removed or replaced is gone from the caches at once", async () => {
  const folder = join(ours(), "root/managed/many");
  mkdirSync(folder);
  for (let i = 0; i < 1000; i++) writeFileSync(join(folder, `n${i}`), "");
  const send = (method: string, path: string, body: string | null = null, ...fields: string[]) =>
    ask(server.port, request(method, `/managed/${path}`, body, fields));
  const listed = await send("PROPFIND", "many/", null, "Depth: 1");
  expect([listed.status, listed.text.split("<D:response>").length]).toEqual([207, 1002]);
  for (const [body, status] of [
    ["one", 201],
    ["two", 204],
  ] as const) {
    expect((await send("PUT", "kept", body)).status).toBe(status);
    expect((await send("GET", "kept")).text).toBe(body);
  }
  await send("MOVE", "kept", null, "Destination: /managed/moved");
  expect([(await send("GET", "kept")).status, (await send("GET", "moved")).text]).toEqual([404, "two"]);
  expect((await send("DELETE", "many/")).status).toBe(204);
  expect((await send("PROPFIND", "many/")).status).toBe(404);
});
