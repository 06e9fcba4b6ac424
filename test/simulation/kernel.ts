/**
 * A Kernel in memory. The same seed gives the same calls the same results at the same virtual times. It throws Misuse where a
 * real kernel would answer EBADF, wait for ever or accept a mistake. It remembers the first Misuse, in case the server catches it.
 */
import * as abi from "../../ffi/abi.ts";
import { ERRNO } from "../../ffi/errno.ts";
import type { FileStatus, Kernel, LinkPolicy, Program } from "../../ffi/kernel.ts";
import type { Block } from "../../ffi/memory.ts";
import { VirtualClock } from "./clock.ts";
import { Connection } from "./connection.ts";
import { DatagramSocket } from "./datagrams.ts";
import { Descriptors, Misuse } from "./descriptors.ts";
import type { ConnectionOptions, Environment, Peer } from "./environment.ts";
import { Epoll, Pollable } from "./epoll.ts";
import { type Fault, Faults } from "./faults.ts";
import { Files } from "./files.ts";
import { clientAddress, localAddress, Network, type Remote, Socket } from "./listener.ts";
import { OpenFile } from "./open-file.ts";
import { PipeEnd } from "./pipes.ts";
import { Processes } from "./processes.ts";
import { Random } from "./random.ts";
import { Trace } from "./trace.ts";

/** Virtual time of each call, ms. Events due within it happen between two calls of the server. */
const CALL_TIME = 0.001;
/** After this many epoll_wait calls that return at once, with no other call between them, the server's loop is considered spinning. */
const SPINNING = 200;
/** A longer wait with nothing scheduled, ms, is considered a deadlock. */
const FOR_EVER = 3_600_000;
const PID = 4242;

export class SimulatedKernel implements Kernel {
  readonly random: Random;
  readonly clock = new VirtualClock();
  readonly faults: Faults;
  readonly network = new Network();
  readonly descriptors = new Descriptors();
  readonly files: Files;
  readonly processes: Processes;
  readonly trace = new Trace();
  /** The first Misuse that was thrown. */
  misuse: Misuse | null = null;
  /** How often epollWait was called. */
  waits = 0;

  private readonly environment: Environment;
  private readonly entropy: Random;
  private signalled = false;
  private fruitlessWaits = 0;
  private lastEvent = 0;
  private connections = 0;

  /** @param faults faults that may happen while `faults.active` is true */
  constructor(seed: number, faults: readonly Fault[] = []) {
    this.random = new Random(seed);
    this.entropy = this.random.fork();
    this.faults = new Faults(this.random.fork(), faults);
    this.environment = { clock: this.clock, random: this.random, faults: this.faults };
    this.files = new Files(this.descriptors, this.faults, () => this.clock.realtime);
    this.processes = new Processes(this.environment, this.descriptors, this.files.tree);
  }

  // Calls of the world

  /** Delivers a signal, which ends the current epoll_wait, or the next one. */
  signal(): void {
    this.signalled = true;
  }

  /** A peer's SYN to a listener. Gives the connection; -ECONNREFUSED: nobody listens; null: the queue is full. */
  connectPeer(peer: Peer, listener: Socket | undefined, options: ConnectionOptions): Connection | null | number {
    if (!listener) return -ERRNO.ECONNREFUSED;
    const number = ++this.connections;
    const local = localAddress(listener.address!);
    const connection = new Connection(this.environment, options, peer, local, clientAddress(listener.family, number));
    return listener.offer(connection) ? connection : null;
  }

  // Sockets

  socket(family: number, type: number): number {
    return this.call("socket", family, type, () => {
      const { network, environment } = this;
      if (type !== abi.SOCK_DGRAM) return this.descriptors.open(new Socket(network, family));
      return this.faults.failure("EMFILE", "ENFILE") || this.descriptors.open(new DatagramSocket(network, environment));
    });
  }

  setsockopt(fd: number, level: number, name: number, value: number): number {
    return this.call("setsockopt", fd, name, () => {
      const socket = this.descriptors.expect(fd, Pollable);
      if (level === abi.SOL_SOCKET && name === abi.SO_LINGER) return -ERRNO.EINVAL; // a struct linger is not an int
      return socket instanceof Socket ? socket.setOption(level, name, value) : 0;
    });
  }

  getsockopt(fd: number, level: number, name: number): number {
    return this.call("getsockopt", fd, name, () => {
      if (level !== abi.SOL_SOCKET || name !== abi.SO_ERROR) throw new Misuse(`getsockopt(${level}, ${name})`);
      const socket = this.descriptors.expect(fd, Pollable);
      return socket instanceof Connection ? socket.takeError() : 0;
    });
  }

  tcpInfo(fd: number, into: Block): number {
    return this.call("tcpInfo", fd, into.bytes.length, () => {
      this.descriptors.expect(fd, Pollable);
      return -ERRNO.EOPNOTSUPP; // no TCP is simulated that could be measured
    });
  }

  bind(fd: number, address: Block, length: number): number {
    return this.call("bind", fd, length, () => {
      inside(address, 0, length);
      return this.descriptors.expect(fd, Socket).bind(Buffer.from(address.bytes.subarray(0, length)));
    });
  }

  connect(fd: number, address: Block, length: number): number {
    return this.call("connect", fd, length, () => {
      inside(address, 0, length);
      const socket = this.descriptors.get(fd);
      const to = Buffer.from(address.bytes.subarray(0, length));
      if (socket instanceof DatagramSocket) return socket.connect(to);
      const remote = this.network.remoteAt(to);
      if (remote !== undefined) return this.connectOut(fd, this.descriptors.expect(fd, Socket), to, remote);
      return this.network.listenerAt(to) ? 0 : -ERRNO.ECONNREFUSED;
    });
  }

  /** A connection to a server outside. As on Linux, a unix socket is connected at once, TCP after a round trip. */
  private connectOut(fd: number, socket: Socket, to: Buffer, remote: Remote): number {
    const { family } = socket;
    const { outcome, options, peer } = remote.connect();
    if (family === abi.AF_UNIX && outcome !== "accepts")
      return outcome === "hangs" ? -ERRNO.EAGAIN : -ERRNO.ECONNREFUSED;
    const local = socket.address ?? clientAddress(family, ++this.connections);
    const connection = new Connection(this.environment, options, peer, local, to, family !== abi.AF_UNIX);
    this.descriptors.replace(fd, connection);
    peer.connection = connection;
    if (family === abi.AF_UNIX) this.clock.after(options.latency, () => peer.connected());
    else if (outcome !== "hangs")
      this.clock.after(2 * options.latency, () => connection.answered(outcome === "accepts"));
    if (family !== abi.AF_UNIX && outcome === "accepts") this.clock.after(options.latency, () => peer.connected());
    return family === abi.AF_UNIX ? 0 : -ERRNO.EINPROGRESS;
  }

  listen(fd: number, backlog: number): number {
    return this.call("listen", fd, backlog, () => this.descriptors.expect(fd, Socket).listen(backlog));
  }

  accept(fd: number, address: Block): number {
    return this.call("accept", fd, 0, () => {
      const socket = this.descriptors.expect(fd, Socket);
      if (!socket.canAccept()) return -ERRNO.EAGAIN;
      if (this.descriptors.full || this.faults.strikes("EMFILE")) return -ERRNO.EMFILE;
      if (this.faults.strikes("ENFILE")) return -ERRNO.ENFILE;
      const connection = socket.accept();
      if (this.faults.strikes("ECONNABORTED")) {
        connection.lost();
        return -ERRNO.ECONNABORTED;
      }
      connection.peerAddress.copy(address.bytes);
      return this.descriptors.open(connection);
    });
  }

  getsockname(fd: number, address: Block): number {
    return this.call("getsockname", fd, 0, () => {
      const socket = this.descriptors.expect(fd, Pollable);
      const own = socket instanceof Connection ? socket.localAddress : (socket as Socket).address;
      return own?.copy(address.bytes) ?? -ERRNO.EINVAL;
    });
  }

  recv(fd: number, block: Block, offset: number, length: number): number {
    return this.call("recv", fd, length, () => {
      inside(block, offset, length);
      const socket = this.descriptors.get(fd);
      if (socket instanceof DatagramSocket) return socket.recv(block, offset, length);
      return this.descriptors.expect(fd, Connection).recv(block, offset, length);
    });
  }

  send(fd: number, block: Block, offset: number, length: number): number {
    return this.call("send", fd, length, () => {
      inside(block, offset, length);
      const socket = this.descriptors.get(fd);
      if (socket instanceof DatagramSocket) return socket.send(block, offset, length);
      return this.descriptors.expect(fd, Connection).send(block, offset, length);
    });
  }

  sendfile(socket: number, source: number, position: number, length: number): number {
    return this.call("sendfile", socket, length, () => {
      if (!(position >= 0 && length > 0)) throw new Misuse(`sendfile of ${length} bytes from ${position}`);
      const content = this.files.content(source, position, length);
      if (this.descriptors.get(socket) instanceof OpenFile) return this.files.copyInto(socket, content);
      const connection = this.descriptors.expect(socket, Connection);
      return typeof content === "number" ? content : connection.sendfile(content, length);
    });
  }

  shutdownWrite(fd: number): number {
    return this.call("shutdown", fd, abi.SHUT_WR, () => this.descriptors.expect(fd, Connection).shutdownWrite());
  }

  resetOnClose(fd: number): number {
    return this.call("setsockopt", fd, abi.SO_LINGER, () => this.descriptors.expect(fd, Connection).resetOnClose());
  }

  close(fd: number): number {
    return this.call("close", fd, 0, () => {
      this.descriptors.close(fd).closed();
      return 0;
    });
  }

  // epoll

  epollCreate(): number {
    return this.call("epoll_create1", 0, 0, () => this.descriptors.open(new Epoll()));
  }

  epollAdd(epoll: number, fd: number, events: number, generation: number): number {
    return this.call("epoll_ctl", fd, abi.EPOLL_CTL_ADD, () => {
      const source = this.descriptors.expect(fd, Pollable);
      if (source.isOfChild && this.faults.strikes("ENOMEM")) return -ERRNO.ENOMEM;
      return this.descriptors.expect(epoll, Epoll).add(fd, source, events, generation);
    });
  }

  epollModify(epoll: number, fd: number, events: number, generation: number): number {
    return this.call("epoll_ctl", fd, abi.EPOLL_CTL_MOD, () => {
      this.descriptors.get(fd);
      return this.descriptors.expect(epoll, Epoll).modify(fd, events, generation);
    });
  }

  epollRemove(epoll: number, fd: number): number {
    return this.call("epoll_ctl", fd, abi.EPOLL_CTL_DEL, () => {
      this.descriptors.get(fd);
      return this.descriptors.expect(epoll, Epoll).remove(fd);
    });
  }

  epollWait(epoll: number, events: Block, capacity: number, timeout: number): number {
    this.waits++;
    return this.call("epoll_wait", epoll, timeout, () => {
      if (!(timeout >= 0)) throw new Misuse(`epollWait(${timeout}) may wait for ever`);
      const instance = this.descriptors.expect(epoll, Epoll);
      if (this.faults.strikes("clock step")) this.clock.step(this.random.between(-86_400_000, 86_400_000));
      if (this.faults.strikes("EINTR")) this.signalled = true;
      const started = this.clock.now;
      const count = this.collect(instance, events, capacity, Math.trunc(timeout));
      this.fruitlessWaits = this.clock.now > started ? 0 : this.fruitlessWaits + 1;
      if (this.fruitlessWaits > SPINNING) throw new Misuse("the loop spins: it neither waits nor gets anything done");
      return count;
    });
  }

  private collect(instance: Epoll, events: Block, capacity: number, timeout: number): number {
    const { clock } = this;
    for (const deadline = clock.now + timeout; ; clock.advanceTo(Math.min(deadline, clock.nextAt))) {
      const count = instance.collect(events, capacity);
      if (count > 0 || (clock.now >= deadline && !this.signalled)) return count;
      if (this.signalled) {
        this.signalled = false;
        return -ERRNO.EINTR;
      }
      if (clock.nextAt < Number.POSITIVE_INFINITY) this.lastEvent = clock.now;
      else if (clock.now - this.lastEvent > FOR_EVER) {
        throw new Misuse("nothing is scheduled any more: whoever still waits, waits for ever");
      }
    }
  }

  // Files

  open(path: string, flags: number, mode: number): number {
    return this.call("open", path, flags, () => this.files.open(path, flags, mode));
  }

  openBeneath(directory: number, path: string, flags: number, mode: number, links: LinkPolicy): number {
    return this.call("openat2", path, directory, () => this.files.openBeneath(directory, path, flags, mode, links));
  }

  stat(path: string, into: FileStatus): number {
    return this.call("statx", path, 0, () => this.files.stat(path, into));
  }

  freeSpace(fd: number): number {
    return this.call("fstatvfs", fd, 0, () => this.files.free);
  }

  fstat(fd: number, into: FileStatus): number {
    return this.call("statx", fd, 0, () => this.files.fstat(fd, into));
  }

  read(fd: number, block: Block, offset: number, length: number, position: number): number {
    return this.call("read", fd, length, () => {
      inside(block, offset, length);
      const end = this.descriptors.get(fd);
      return end instanceof PipeEnd
        ? end.read(block.bytes, offset, length)
        : this.files.read(fd, block, offset, length, position);
    });
  }

  write(fd: number, block: Block, offset: number, length: number): number {
    return this.call("write", fd, length, () => {
      inside(block, offset, length);
      const end = this.descriptors.get(fd);
      return end instanceof PipeEnd
        ? end.write(block.bytes, offset, length)
        : this.files.write(fd, block, offset, length);
    });
  }

  getdents(fd: number, block: Block): number {
    return this.call("getdents64", fd, block.bytes.length, () => this.files.getdents(fd, block));
  }

  /** Nothing here depends on permissions. */
  chmod(path: string, mode: number): number {
    return this.call("chmod", path, mode, () => 0);
  }

  unlink(directory: number, name: string): number {
    return this.call("unlinkat", name, directory, () => this.files.names.unlink(directory, name));
  }

  mkdir(directory: number, name: string, mode: number): number {
    return this.call("mkdirat", name, directory, () => this.files.names.mkdir(directory, name, mode));
  }

  rmdir(directory: number, name: string): number {
    return this.call("rmdir", name, directory, () => this.files.names.rmdir(directory, name));
  }

  rename(fromDirectory: number, from: string, toDirectory: number, to: string, replace: boolean): number {
    return this.call("renameat2", `${from} -> ${to}`, replace ? 0 : abi.RENAME_NOREPLACE, () =>
      this.files.names.rename(fromDirectory, from, toDirectory, to, replace),
    );
  }

  allocate(fd: number, position: number, length: number): number {
    return this.call("fallocate", fd, position + length, () => this.files.allocate(fd, length));
  }

  truncate(fd: number, length: number): number {
    return this.call("ftruncate", fd, length, () => this.files.cut(fd, length));
  }

  fchmod(fd: number, mode: number): number {
    return this.call("fchmod", fd, mode, () => this.files.fchmod(fd, mode));
  }

  fchown(fd: number, user: number, group: number): number {
    return this.call("fchown", fd, user, () => this.files.fchown(fd, user, group));
  }

  futimens(fd: number, seconds: number, nanoseconds: number): number {
    return this.call("futimens", fd, seconds, () => this.files.futimens(fd, seconds, nanoseconds));
  }

  getAttribute(fd: number, name: string, block: Block, offset: number, length: number): number {
    return this.call("fgetxattr", name, fd, () => this.files.getAttribute(fd, name, block, offset, length));
  }

  setAttribute(fd: number, name: string, block: Block, offset: number, length: number): number {
    return this.call("fsetxattr", name, fd, () => this.files.setAttribute(fd, name, block, offset, length));
  }

  flock(fd: number): number {
    return this.call("flock", fd, abi.LOCK_EX, () => this.files.flock(fd));
  }

  readlink(directory: number, name: string, into: string[]): number {
    return this.call("readlinkat", name, directory, () => this.files.names.readlink(directory, name, into));
  }

  // Child processes

  pipe(into: number[], ours: 0 | 1): number {
    return this.call("pipe2", ours, abi.O_CLOEXEC, () => this.processes.pipe(into, ours));
  }

  spawn(program: Program): number {
    return this.call("posix_spawn", program.args.join(" "), program.environment.length, () =>
      this.processes.spawn(program),
    );
  }

  pidfdOpen(pid: number): number {
    return this.call("pidfd_open", pid, 0, () => this.processes.pidfdOpen(pid));
  }

  wait(pid: number): number {
    return this.call("waitpid", pid, abi.WNOHANG, () => this.processes.wait(pid));
  }

  // Terminals

  /** There are none. */
  tcgetattr(fd: number, _into: Block): number {
    return this.call("tcgetattr", fd, 0, () => this.noTerminal(fd));
  }

  tcsetattr(fd: number, _from: Block): number {
    return this.call("tcsetattr", fd, 0, () => this.noTerminal(fd));
  }

  // Clock, randomness, process

  monotonic(): number {
    return this.clock.now;
  }

  realtime(): number {
    return this.clock.realtime;
  }

  getrandom(block: Block, offset: number, length: number): number {
    return this.call("getrandom", offset, length, () => {
      inside(block, offset, length);
      for (let i = 0; i < length; i++) block.bytes[offset + i] = this.entropy.bits() & 255;
      return length;
    });
  }

  getpid(): number {
    return PID;
  }

  kill(pid: number, signal: number): number {
    return this.call("kill", pid, signal, () => (pid === PID ? 0 : this.processes.kill(pid, signal)));
  }

  descriptorLimit(): number {
    return this.descriptors.limit;
  }

  setDescriptorLimit(limit: number): number {
    return this.call("setrlimit", limit, 0, () => {
      this.descriptors.limit = limit;
      return 0;
    });
  }

  private noTerminal(fd: number): number {
    this.descriptors.get(fd);
    return -ERRNO.ENOTTY;
  }

  private call(name: string, subject: number | string, detail: number, body: () => number): number {
    this.clock.advanceTo(this.clock.now + CALL_TIME);
    try {
      const result = body();
      if (result > 0 && name !== "epoll_wait") this.fruitlessWaits = 0;
      return this.trace.record(this.clock.now, name, subject, detail, result);
    } catch (error) {
      if (error instanceof Misuse) this.misuse ??= error;
      throw error;
    }
  }
}

/** Throws unless the range is within the block and not empty. An empty recv(2) gives 0, which looks like the end of the stream. */
function inside(block: Block, offset: number, length: number): void {
  const isRange = Number.isInteger(offset) && Number.isInteger(length) && offset >= 0 && length > 0;
  if (!isRange || offset + length > block.bytes.length) {
    throw new Misuse(`bytes [${offset}, ${offset} + ${length}) of a Block of ${block.bytes.length}`);
  }
}
