/** Names through getaddrinfo(3). Only names that /etc/hosts or libc itself knows: a test must not need the network. */
import { expect, test } from "bun:test";
import { lookUp } from "../../../ffi/lookup.ts";

test("localhost has loopback addresses, IPv4 first, each once", () => {
  const found = lookUp("localhost") as string[];
  expect(found[0]).toBe("127.0.0.1");
  expect(new Set(found).size).toBe(found.length);
  expect(found.every((address) => address === "127.0.0.1" || address === "::1")).toBe(true);
});

test("a numeric address is itself, in its canonical form", () => {
  expect(lookUp("192.0.2.7")).toEqual(["192.0.2.7"]);
  expect(lookUp("2001:db8:0:0::7")).toEqual(["2001:db8::7"]);
});

test("what no name can be gives an error, with libc's words", () => {
  expect(lookUp("")).toEqual({ error: "Name or service not known" });
  expect(lookUp("a\0b")).toEqual({ error: "Name or service not known" });
  expect(lookUp("no such name")).toEqual({ error: "Name or service not known" });
  expect(lookUp(`${"a".repeat(64)}.invalid`)).toHaveProperty("error");
});
