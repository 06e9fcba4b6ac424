/** Those who guess and leave at once: they neither fill the queue of checks for others, nor guess faster for it. */
import { expect, test } from "bun:test";
import { Passwords } from "../../../../src/handlers/auth/passwords.ts";
import { UserFile } from "../../../../src/handlers/auth/user-files.ts";

/** bcrypt that never ends: what waits, waits. */
function passwords(begun: string[]): Passwords {
  const services = {
    kernel: {},
    clock: { now: 0 },
    reactor: { expect() {}, arrived() {}, again() {} },
    randomHex: (length: number) => "0".repeat(2 * length),
  };
  const never = (password: Uint8Array): void => void begun.push(Buffer.from(password).toString());
  return new Passwords(services as unknown as ConstructorParameters<typeof Passwords>[0], never);
}

const file = new UserFile(Buffer.from("\nann:$2b$12$abcdefghijklmnopqrstuuj7m4XYqbm74SxoBcXyw8to0CQ061DVG\n"), 1);
const login = (text: string) => ({ file, user: "ann", password: Buffer.from(text) });

test("checks that nobody waits for any more leave the queue", () => {
  const begun: string[] = [];
  const checks = passwords(begun);
  for (let i = 0; i < 1000; i++) {
    const report = (): void => {};
    expect(checks.check(login(`guess ${i}`), report)).toBe("later");
    checks.withdraw(login(`guess ${i}`), report);
  }
  expect(checks.check(login("right"), () => {})).toBe("later");
  expect(begun).toEqual(["guess 0", "guess 1"]);
});

test("a check for which another still waits stays", () => {
  const checks = passwords([]);
  const [first, second] = [(): void => {}, (): void => {}];
  for (let i = 0; i < 255; i++) checks.check(login(`other ${i}`), () => {});
  checks.check(login("same"), first);
  checks.check(login("same"), second);
  checks.withdraw(login("same"), first);
  expect(checks.check(login("one more"), () => {})).toBe("busy");
  checks.withdraw(login("same"), second);
  expect(checks.check(login("one more"), () => {})).toBe("later");
});
