/** What a script's process is given, whatever the server's own is like; and programs that cannot be started. */
import { beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, realpathSync, rmSync } from "node:fs";
import { join } from "node:path";
import { check } from "./cases.ts";
import { ask, get } from "./client.ts";
import { leavesNothing, TEXT, untilLogged, useScripts } from "./scripts.ts";
import { PROGRAM } from "./server.ts";
import { withBody } from "./upload-requests.ts";

setDefaultTimeout(60_000);

/** Descriptors that are not close-on-exec, an unusual umask, and a signal ignored: what an init script may leave behind. */
const CARELESS = `umask 027; trap '' HUP PIPE; exec 3</dev/null 4>&2 9</etc/passwd; exec "$0" "$@"`;

const server = useScripts({
  program: ["sh", "-c", CARELESS, ...PROGRAM],
  scripts: {
    "dir/folder.sh": `${TEXT}; pwd`,
    "umask.sh": `${TEXT}; umask`,
    "group.sh": `${TEXT}; cut -d' ' -f1,5 /proc/$$/stat`,
    "leave.sh": `${TEXT}; exec perl -MPOSIX -e 'print POSIX::setpgid(0, getpgrp(getppid())) ? "left" : $!'`,
    "arguments.sh": `${TEXT}; printf '%s|' "$0" "$@"`,
    "first.list": "",
    "signals.list": "",
    "own.run": `#!/bin/sh\n${TEXT}; echo "$0"`,
    "plain.run": `${TEXT}; echo not reached`,
    "strange.run": "#!/no/such/interpreter\n",
    "itself.run": "#!\n",
    "closed.run": "#!/bin/sh\n",
    "gone.late": `${TEXT}; echo late`,
  },
  files: { "late-interpreter": { link: "/bin/sh" } },
  server: `
    root www;
    cgi .sh /bin/sh;
    cgi .run;
    location = /first.list { cgi .list /bin/sh -c "printf 'Content-Type: text/plain\\n\\n'; ls /proc/$$/fd; :"; }
    location = /signals.list {
      cgi .list /bin/sh -c "printf 'Content-Type: text/plain\\n\\n'; grep -E 'Sig(Blk|Ign)' /proc/self/status";
    }
    location = /gone.late { cgi .late ./late-interpreter; }
    location = /arguments.sh { cgi .sh /bin/sh -e -u; }`,
});

const www = (): string => join(realpathSync(server.folder), "www");

beforeAll(() => {
  chmodSync(join(www(), "closed.run"), 0o644);
});

describe("a script has", () => {
  const states: [what: string, path: string, body: () => string | RegExp][] = [
    ["its own folder to work in", "/dir/folder.sh", () => `${www()}/dir\n`],
    ["the server's umask", "/umask.sh", () => "0027\n"],
    ["a process group of its own", "/group.sh", () => /^(\d+) \1\n$/],
    ["its file as the last argument, and never the query as one", "/arguments.sh?a+b", () => `${www()}/arguments.sh|`],
    ["descriptors 0, 1 and 2 and no other", "/first.list", () => "0\n1\n2\n"],
    ["itself for an interpreter where none is configured", "/own.run", () => `${www()}/own.run\n`],
  ];

  test.each(states)("%s", async (_what, path, body) => {
    check(await ask(server.port, get(path)), { status: 200, body: body() });
  });

  test("no signal blocked, none ignored", async () => {
    const { text } = await ask(server.port, get("/signals.list"));
    const [blocked, ignored] = [/SigBlk:\t(\w+)/, /SigIgn:\t(\w+)/].map((line) => BigInt(`0x${line.exec(text)?.[1]}`));
    const standard = 0x7fffffffn; // 1 to 31: glibc's posix_spawn ignores 32 and 33, which are its own
    expect([blocked, ignored! & standard]).toEqual([0n, 0n]);
  });
});

describe.if(Bun.which("perl") !== null)("a script that changes its process group (skipped without perl)", () => {
  test("cannot: what ends its group ends it too", async () => {
    check(await ask(server.port, get("/leave.sh")), { status: 200, body: "Operation not permitted" });
  });
});

describe("502, and the reason in the error log, where a program", () => {
  const failures: [what: string, name: string, reason: string][] = [
    ["has no #! and is no binary", "plain.run", "8: Exec format error"],
    ["has an interpreter that does not exist", "strange.run", "2: No such file or directory"],
    ["has an empty #!", "itself.run", "8: Exec format error"],
    ["may not be executed", "closed.run", "13: Permission denied"],
  ];

  test.each(failures)("%s", async (_what, name) => {
    check(await ask(server.port, get(`/${name}`)), { status: 502, fields: { "content-type": /text\/html.*/ } });
  });

  test("had an interpreter when the server started", async () => {
    check(await ask(server.port, get("/gone.late")), { status: 200, body: "late\n" });
    rmSync(join(server.folder, "late-interpreter"));
    check(await ask(server.port, get("/gone.late")), { status: 502 });
  });

  test("the reasons, each with its script and client", async () => {
    for (const [, name, reason] of [...failures, ["", "gone.late", "2: No such file or directory"]] as const) {
      await untilLogged(
        server,
        new RegExp(`\\[error\\].*script "${www()}/${name}" .*\\(${reason}\\).*client: 127\\.0\\.0\\.1`),
      );
    }
  });

  test.each(failures)("%s, and a body was sent to it", async (_what, name) => {
    check(await ask(server.port, withBody("POST", `/${name}`, "x".repeat(300_000))), { status: 502 });
    check(await ask(server.port, withBody("POST", `/${name}`, "x".repeat(300_000), { chunk: 5000 })), { status: 502 });
  });
});

leavesNothing(server);
