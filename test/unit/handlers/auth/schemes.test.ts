/** Hashes made by openssl passwd, htpasswd and crypt(3), and what each says of a right and a wrong password. */
import { describe, expect, test } from "bun:test";
import { checkBcrypt } from "../../../../ffi/bcrypt.ts";
import { checkOf } from "../../../../src/handlers/auth/schemes/schemes.ts";

/** What a check comes to, and in how many turns. */
async function check(password: string, hash: string): Promise<{ right: boolean | string; turns: number }> {
  const bytes = Buffer.from(password);
  const begun = checkOf(bytes, Buffer.from(hash).latin1Slice());
  if (begun.kind === "known") return { right: begun.right, turns: 0 };
  if (begun.kind === "refused") return { right: begun.problem, turns: 0 };
  if (begun.kind === "bcrypt") {
    return { right: await new Promise<boolean>((resolve) => checkBcrypt(bytes, hash, resolve)), turns: 0 };
  }
  for (let turns = 1; ; turns++) {
    const right = begun.check.step(begun.check.share);
    if (right !== undefined) return { right, turns };
  }
}

const HORSE = "correct horse";
const rows: [password: string, hash: string, made: string][] = [
  [HORSE, "$apr1$abcDEF12$Ztk27yxfMt1rkKK8/4Tzb0", "openssl passwd -apr1"],
  [HORSE, "$apr1$98vdIqNt$D/wsudCKu37aBo9Sxt/r20", "htpasswd -m"],
  ["", "$apr1$x$tMwYqBfQwi3FYAr0aJc8M/", "an empty password"],
  [HORSE, "$1$abcDEF12$/G0n7O73RYIj8ZdPLzHBE0", "openssl passwd -1"],
  ["y".repeat(300), "$1$abc$pexrBtswLsN7zv9lGZIwk1", "crypt(3), a long password"],
  [HORSE, "$5$abcDEF12$d0EKaxhal8RMirku07Wu39G7UQl8ynkH6rCoNGK/lX.", "openssl passwd -5"],
  ["pässwörd", "$5$aa$Sx4nh/NaVT8BbvkcZQb/qeZ6bgOxfSH1F3UplGdpji6", "a password in UTF-8"],
  [HORSE, "$5$rounds=1000$roundsalt$jpU5gFOrGVUJcjSEzqa9v3lPC990P3VUOViFApQCnRD", "crypt(3), rounds"],
  [HORSE, "$5$$SCAp760RlvU0CgD9TQAY9wchWGPvPJ8P8S7gF/3F/S0", "crypt(3), no salt"],
  [
    HORSE,
    "$6$abcDEF12$06Gm3/39uXZmqoYSrrs1vyrDvpD571Hc55Rr5PnAaq8V2C8wZaZFfHHSHFsesG27PcLnu/EAjIlJAwBbiMvT70",
    "openssl passwd -6",
  ],
  [
    "x".repeat(100),
    "$6$longsaltlongsalt$p//cngUm72MleD7mJYJcvembvvZkBp1m5FSGglfOcw5SQZ5YYYMwr4gZAp1fcCCFtY6mTfHT2Ak17eekS3S0o/",
    "the longest salt",
  ],
  [
    "y".repeat(300),
    "$6$abc$vRpYRmk8.8qS7S/nYv2YDgGO1bu/TAZvqndu01Nju/Gw3ZFCJZPkGPnAeQqSVqV.F5e.oqgl.FFhm6deZbMut.",
    "crypt(3), a long password",
  ],
  [
    HORSE,
    "$6$rounds=77777$short$h4tqkaUlcWCunnvllrGpL7hkTxsWZiKztL0XbSn/w651ixfFCaQ8NMn1m9Oi0PUNIjJoHxbm8UH32IjU3/CHV/",
    "crypt(3), many rounds",
  ],
  [HORSE, "$2y$04$TkwGJdqtKNRwOlcVqet0d.PnV8VFSk/ylchcyC4HERBfjrcAhy9Em", "htpasswd -B"],
  [HORSE, "$2b$04$TkwGJdqtKNRwOlcVqet0d.PnV8VFSk/ylchcyC4HERBfjrcAhy9Em", "the same under its other names"],
  [HORSE, "$2a$04$TkwGJdqtKNRwOlcVqet0d.PnV8VFSk/ylchcyC4HERBfjrcAhy9Em", "the same under its other names"],
  ["z".repeat(80), "$2b$04$abcdefghijklmnopqrstuu7c/9gwyU5n92/NDnt1NVdILq9XYhttG", "72 bytes count"],
  [HORSE, "{SHA}L55TUjtiq8FBorTWAZ0jy6g129A=", "htpasswd -s"],
  [HORSE, "{SSHA}LhKrkM9Fy+zlstjdD7Kv2s6QvhBzYWx0", "OpenLDAP"],
  [HORSE, "{PLAIN}correct horse", "as it is"],
];

test.each(rows)("%p is the password of %s (%s)", async (password, hash) => {
  expect((await check(password, hash)).right).toBe(true);
  expect((await check(`x${password}`, hash)).right).toBe(false);
});

describe("the rounds of a turn", () => {
  test("are bounded, whatever the hash asks for", async () => {
    const { turns } = await check(HORSE, rows[12]![1]);
    expect(turns).toBeGreaterThanOrEqual(77_777 / 500);
  });

  test("are fewer for a password that makes each of them longer", () => {
    const begun = checkOf(Buffer.alloc(512, "x"), rows[9]![1]);
    expect(begun.kind === "rounds" && begun.check.share).toBeLessThan(60);
  });
});

const refused: [hash: string, problem: RegExp][] = [
  ["ns4SeABXoMYoA", /no scheme/],
  ["correct horse", /no scheme/],
  ["", /no scheme/],
  ["$5$rounds=999999999$roundsalt$jpU5gFOrGVUJcjSEzqa9v3lPC990P3VUOViFApQCnRD", /999999999 rounds are more than/],
  ["$2y$31$TkwGJdqtKNRwOlcVqet0d.PnV8VFSk/ylchcyC4HERBfjrcAhy9Em", /cost above 16/],
  ["$2y$03$TkwGJdqtKNRwOlcVqet0d.PnV8VFSk/ylchcyC4HERBfjrcAhy9Em", /cost below 4/],
  ["$2x$04$TkwGJdqtKNRwOlcVqet0d.PnV8VFSk/ylchcyC4HERBfjrcAhy9Em", /no scheme/],
  ["$2y$04$TkwGJdqtKNRwOlcVqet0d", /no scheme/],
  ["$y$j9T$abc$def", /no scheme/],
  ["$6$abc$tooshort", /no scheme/],
];

test.each(refused)("%p is not computed", async (hash, problem) => {
  expect((await check(HORSE, hash)).right).toMatch(problem);
});
