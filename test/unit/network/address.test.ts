/** Socket addresses as the kernel has them: byte for byte, through the kernel and back. */

import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { AF_INET, AF_INET6, SOCK_STREAM, SOCKADDR_STORAGE } from "../../../ffi/abi.ts";
import type { SocketAddress } from "../../../ffi/inet.ts";
import { formatAddress } from "../../../ffi/inet.ts";
import { linux } from "../../../ffi/linux.ts";
import { Block } from "../../../ffi/memory.ts";
import { decodeAddress, encodeAddress, familyNumber } from "../../../src/network/address.ts";

const block = new Block(SOCKADDR_STORAGE);
const folder = mkdtempSync(join(tmpdir(), "webserv-address-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** The struct sockaddr in hexadecimal, encoded over what was there before. */
function encoded(address: SocketAddress): string {
  block.bytes.fill(0xff);
  const length = encodeAddress(address, block);
  return block.bytes.toString("hex", 0, length);
}

describe("encodeAddress", () => {
  test.each<[string, SocketAddress, string]>([
    ["IPv4", { family: "ipv4", host: "127.0.0.1", port: 8080 }, "0200 1f90 7f000001 0000000000000000"],
    ["any IPv4 address, any port", { family: "ipv4", host: "0.0.0.0", port: 0 }, "0200 0000 00000000 0000000000000000"],
    ["the last port", { family: "ipv4", host: "10.0.0.1", port: 65_535 }, "0200 ffff 0a000001 0000000000000000"],
    [
      "IPv6",
      { family: "ipv6", host: "2001:db8::1", port: 80 },
      "0a00 0050 00000000 20010db8000000000000000000000001 00000000",
    ],
    ["a unix socket", { family: "unix", path: "/run/é" }, `0100 ${Buffer.from("/run/é\0").toString("hex")}`],
  ])("%s", (_name, address, bytes) => {
    expect(encoded(address)).toBe(bytes.replaceAll(" ", ""));
  });

  test("the longest path of a unix socket keeps its NUL", () => {
    const path = "x".repeat(107);
    expect(encoded({ family: "unix", path })).toBe(`0100${"78".repeat(107)}00`);
  });

  test("a host that is a name is a mistake of the caller", () => {
    expect(() => encodeAddress({ family: "ipv4", host: "localhost", port: 1 }, block)).toThrow("localhost");
  });
});

describe("decodeAddress gives back what encodeAddress was given", () => {
  const port = fc.integer({ min: 0, max: 65_535 });
  const host = (length: 4 | 16) =>
    fc
      .array(fc.oneof(fc.constant(0), fc.nat(255)), { minLength: length, maxLength: length })
      .map((bytes) => formatAddress(bytes, 0, length));
  const address: fc.Arbitrary<SocketAddress> = fc.oneof(
    fc.record({ family: fc.constant("ipv4" as const), host: host(4), port }),
    fc.record({ family: fc.constant("ipv6" as const), host: host(16), port }),
  );

  test("for any internet address", () => {
    const property = fc.property(address, (given) => {
      encodeAddress(given, block);
      expect(decodeAddress(block)).toEqual(given);
    });
    fc.assert(property, { numRuns: 500 });
  });

  test("for a unix socket without its path: peers have none", () => {
    encodeAddress({ family: "unix", path: "/a" }, block);
    expect(decodeAddress(block)).toEqual({ family: "unix", path: "" });
  });
});

/** Whether the machine has an IPv6 loopback. */
function hasIPv6(): boolean {
  const fd = linux.socket(AF_INET6, SOCK_STREAM);
  const n = fd < 0 ? fd : linux.bind(fd, block, encodeAddress({ family: "ipv6", host: "::1", port: 0 }, block));
  if (fd >= 0) linux.close(fd);
  return n === 0;
}

describe("the kernel understands the same", () => {
  function bound(address: SocketAddress): SocketAddress {
    const fd = linux.socket(familyNumber[address.family], SOCK_STREAM);
    expect(linux.bind(fd, block, encodeAddress(address, block))).toBe(0);
    linux.getsockname(fd, block);
    linux.close(fd);
    return decodeAddress(block);
  }

  test.each([["127.0.0.1"], ["127.1.2.3"], ["0.0.0.0"]])("%s", (host) => {
    const address = bound({ family: "ipv4", host, port: 0 });
    expect(address).toMatchObject({ family: "ipv4", host });
    expect((address as { port: number }).port).toBeGreaterThan(0);
    expect(familyNumber.ipv4).toBe(AF_INET);
  });

  const ipv6 = hasIPv6();
  test.skipIf(!ipv6)(ipv6 ? "::1" : "::1: no IPv6 here", () => {
    expect(bound({ family: "ipv6", host: "::1", port: 0 })).toMatchObject({ family: "ipv6", host: "::1" });
  });

  test("the path of a unix socket, up to the longest", () => {
    const path = join(folder, "x".repeat(107 - folder.length - 1));
    expect(path.length).toBe(107);
    bound({ family: "unix", path });
    expect(statSync(path).isSocket()).toBe(true);
  });
});
