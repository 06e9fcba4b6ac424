/** Listening sockets on the real kernel: addresses, what is left of dead processes, and accepting in bounded batches. */

import { afterAll, describe, expect, test } from "bun:test";
import { lstatSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AF_INET6, SOCK_STREAM, SOCKADDR_STORAGE } from "../../../ffi/abi.ts";
import { ERRNO } from "../../../ffi/errno.ts";
import type { SocketAddress } from "../../../ffi/inet.ts";
import type { Kernel } from "../../../ffi/kernel.ts";
import { linux } from "../../../ffi/linux.ts";
import { Block } from "../../../ffi/memory.ts";
import { decodeAddress, encodeAddress, familyNumber } from "../../../src/network/address.ts";
import { Listener, localAddress, openListener } from "../../../src/network/listener.ts";
import { Reactor } from "../../../src/network/reactor.ts";
import { type ErrnoName, errnoName } from "../../errno-name.ts";
import { eventually } from "../ffi/sockets.ts";

const OPTIONS = { backlog: 200, reuseport: false, ipv6only: true, deferred: false };
const HERE: SocketAddress = { family: "ipv4", host: "127.0.0.1", port: 0 };
const folder = mkdtempSync(join(tmpdir(), "webserv-listener-"));
const block = new Block(SOCKADDR_STORAGE);
const ends: number[] = [];
afterAll(() => {
  for (const fd of ends) linux.close(fd);
  rmSync(folder, { recursive: true });
});

/** A listening socket; a negative number is the error. */
function listening(address: SocketAddress, options = OPTIONS, kernel: Kernel = linux): number {
  const fd = openListener(kernel, address, options);
  if (fd >= 0) ends.push(fd);
  return fd;
}

function connectTo(address: SocketAddress): number {
  const fd = linux.socket(familyNumber[address.family], SOCK_STREAM);
  ends.push(fd);
  linux.connect(fd, block, encodeAddress(address, block));
  return fd;
}

const portOf = (address: SocketAddress): number => (address.family === "unix" ? 0 : address.port);

describe("openListener", () => {
  test("with port 0 gets one, which localAddress tells", () => {
    const address = localAddress(linux, listening(HERE));
    expect(address).toMatchObject({ family: "ipv4", host: "127.0.0.1" });
    expect(portOf(address)).toBeGreaterThan(0);
  });

  test.each<[string, ErrnoName, SocketAddress]>([
    ["an address of nobody here (RFC 5737)", "EADDRNOTAVAIL", { family: "ipv4", host: "192.0.2.1", port: 0 }],
    ["a unix socket in a folder that is not there", "ENOENT", { family: "unix", path: join(folder, "no/socket") }],
  ])("%s: %s", (_name, error, address) => {
    expect(errnoName(listening(address))).toBe(error);
  });

  test("an address in use, also by one's own process", () => {
    const address = localAddress(linux, listening(HERE));
    expect(errnoName(listening(address))).toBe("EADDRINUSE");
  });

  test("twice with reuseport on both", () => {
    const options = { ...OPTIONS, reuseport: true };
    const address = localAddress(linux, listening(HERE, options));
    expect(listening(address, options)).toBeGreaterThan(0);
    expect(errnoName(listening(address))).toBe("EADDRINUSE");
  });

  test("leaves no descriptor open where it fails", () => {
    const opened = new Set<number>();
    const counting: Kernel = {
      ...linux,
      socket: (family, type) => {
        const fd = linux.socket(family, type);
        opened.add(fd);
        return fd;
      },
      close: (fd) => {
        opened.delete(fd);
        return linux.close(fd);
      },
    };
    const inUse = localAddress(linux, listening(HERE));
    const file = join(folder, "file");
    writeFileSync(file, "");
    expect(listening(inUse, OPTIONS, counting)).toBeLessThan(0);
    expect(listening({ family: "unix", path: file }, OPTIONS, counting)).toBeLessThan(0);
    expect(opened.size).toBe(0);
  });
});

/** Whether the machine has an IPv6 loopback. */
function hasIPv6(): boolean {
  const fd = linux.socket(AF_INET6, SOCK_STREAM);
  const n = fd < 0 ? fd : linux.bind(fd, block, encodeAddress({ family: "ipv6", host: "::1", port: 0 }, block));
  if (fd >= 0) linux.close(fd);
  return n === 0;
}
const ipv6 = hasIPv6();

describe.skipIf(!ipv6)(ipv6 ? "IPv6" : "IPv6: none here", () => {
  test("alone leaves the port to IPv4, with ipv6only off it does not", () => {
    const beside = (): number => {
      const alone = localAddress(linux, listening({ family: "ipv6", host: "::", port: 0 }));
      return listening({ family: "ipv4", host: "127.0.0.1", port: portOf(alone) });
    };
    // The port that the kernel chose for IPv6 may be in use for IPv4 by a connection of another test: then another port is tried.
    expect(Array.from({ length: 20 }).some(() => beside() > 0)).toBe(true);
    const both = localAddress(
      linux,
      listening({ family: "ipv6", host: "::", port: 0 }, { ...OPTIONS, ipv6only: false }),
    );
    expect(errnoName(listening({ family: "ipv4", host: "127.0.0.1", port: portOf(both) }))).toBe("EADDRINUSE");
  });
});

describe("a unix socket's path", () => {
  test("left behind by a process that has ended is used again", () => {
    const address: SocketAddress = { family: "unix", path: join(folder, "left") };
    linux.close(openListener(linux, address, OPTIONS));
    expect(listening(address)).toBeGreaterThan(0);
  });

  test("of a server that lives is not taken from it", () => {
    const address: SocketAddress = { family: "unix", path: join(folder, "alive") };
    const first = listening(address);
    expect(errnoName(listening(address))).toBe("EADDRINUSE");
    connectTo(address);
    expect(eventually(() => linux.accept(first, block))).toBeGreaterThan(0);
  });

  test("that is a file is nobody's socket: the file stays", () => {
    const path = join(folder, "precious");
    writeFileSync(path, "data");
    expect(errnoName(listening({ family: "unix", path }))).toBe("EADDRINUSE");
    expect(Bun.file(path).size).toBe(4);
  });

  test("that is a link is nobody's to replace, whatever it leads to", () => {
    const [socket, link] = ["old", "link"].map((name) => join(folder, name)) as [string, string];
    linux.close(openListener(linux, { family: "unix", path: socket }, OPTIONS));
    symlinkSync(socket, link);
    expect(errnoName(listening({ family: "unix", path: link }))).toBe("EADDRINUSE");
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
  });
});

/** A listener whose accept gives `answers` one after the other, then EAGAIN; and what it told. */
function scripted(answers: readonly number[], takes: (fd: number) => boolean = () => true) {
  const told: (number | string)[] = [];
  let calls = 0;
  const kernel: Kernel = { ...linux, accept: () => answers[calls++] ?? -ERRNO.EAGAIN };
  const reactor = new Reactor(linux);
  const accepted = (fd: number) => {
    told.push(fd);
    return takes(fd);
  };
  const exhausted = (error: number) => void told.push(errnoName(error));
  const listener = new Listener(kernel, reactor, listening(HERE), accepted, exhausted);
  listener.resume();
  listener.onEvents();
  reactor.dispose();
  return { told, calls: () => calls, listener };
}

describe("accepting", () => {
  test("takes all that wait", () => {
    expect(scripted([7, 8, 9]).told).toEqual([7, 8, 9]);
  });

  test.each([["ECONNABORTED"], ["EPROTO"], ["EINTR"], ["ENETDOWN"], ["EPERM"]] as const)(
    "%s is that one connection's: the next is taken",
    (name) => {
      expect(scripted([7, -ERRNO[name], 9]).told).toEqual([7, 9]);
    },
  );

  test.each([["EMFILE"], ["ENFILE"], ["ENOBUFS"], ["ENOMEM"]] as const)("%s: says so, and tries no more", (name) => {
    expect(scripted([7, -ERRNO[name], 9]).told).toEqual([7, name]);
  });

  test("stops where its owner takes no more", () => {
    expect(scripted([7, 8, 9], (fd) => fd !== 8).told).toEqual([7, 8]);
  });

  test("is bounded: a flood, or one error after the other, leaves the turn to others", () => {
    expect(scripted(Array<number>(1000).fill(7)).calls()).toBeWithin(1, 129);
    expect(scripted(Array<number>(1000).fill(-ERRNO.ECONNABORTED)).calls()).toBeWithin(1, 129);
  });

  test("paused leaves connections in the queue, resumed takes them, also what a batch left", () => {
    const reactor = new Reactor(linux);
    const accepted: number[] = [];
    const peers: SocketAddress[] = [];
    const take = (fd: number, peer: Block) => {
      accepted.push(fd);
      peers.push(decodeAddress(peer));
      return true;
    };
    const listener = new Listener(linux, reactor, openListener(linux, HERE, OPTIONS), take, () => {});
    const address = localAddress(linux, listener.fd);
    expect(listener.paused).toBe(true);
    const clients = Array.from({ length: 100 }, () => connectTo(address));
    reactor.turn(0);
    expect(accepted).toEqual([]);
    expect([listener.resume(), listener.resume(), listener.paused]).toEqual([0, 0, false]);
    for (let i = 0; accepted.length < 100 && i < 1000; i++) reactor.turn(10);
    listener.pause();
    listener.pause();
    connectTo(address);
    expect(reactor.turn(20)).toBe(0);
    expect(new Set(accepted).size).toBe(100);
    expect(peers.map(portOf).sort()).toEqual(clients.map((fd) => portOf(localAddress(linux, fd))).sort());
    listener.close();
    reactor.dispose();
    ends.push(...accepted);
  });
});
