/** strftime, compared with the system's `date`. */
import { expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { strftime } from "../../../src/http/reply/strftime.ts";

const ALL = [..."aAbBcCdDeFgGhHIjklmMnpPrRsStTuUVwWxXyYzZ%"].map((letter) => `%${letter}`).join("|");
const MOMENTS = [
  0, 951_782_400, 1_000_000_000, 1_609_459_199, 1_609_459_200, 1_704_067_199, 1_735_689_600, 1_798_761_599,
  1_830_297_600,
];

test.each(MOMENTS)("as date: %d", (second) => {
  const date = (zone: string) =>
    spawnSync("date", ["-d", `@${second}`, `+${ALL}`], { env: { ...process.env, LC_ALL: "C", TZ: zone } });
  const { status, stdout } = date("GMT");
  if (status !== 0) return; // no date of GNU
  expect(strftime(ALL, second, false)).toBe(String(stdout).replace(/\n$/, ""));
});

test("a zone of its own", () => {
  const script = `import { strftime } from "${import.meta.dir}/../../../src/http/reply/strftime.ts"; process.stdout.write(strftime("%F %T %z %Z", 1700000000, true))`;
  const { stdout } = spawnSync(process.execPath, ["-e", script], { env: { ...process.env, TZ: "America/New_York" } });
  expect(String(stdout)).toBe("2023-11-14 17:13:20 -0500 EST");
});

test("what is no conversion stays", () => {
  expect(strftime("%", 0, false)).toBe("%");
  expect(strftime("%Q 5%% %Ey", 0, false)).toBe("%Q 5% 70");
});
