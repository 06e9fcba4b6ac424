/**
 * epoll(7) as in fs/eventpoll.c: a list of descriptors that may be ready. A wake-up puts a descriptor on the list. epoll_wait
 * asks each one on the list for its current mask, and leaves level-triggered ones on the list. So an edge is a wake-up, not a
 * change of the mask, and several wake-ups before one wait give one event.
 */
import { EPOLL_EVENT, EPOLLERR, EPOLLET, EPOLLHUP } from "../../ffi/abi.ts";
import { ERRNO } from "../../ffi/errno.ts";
import type { Block } from "../../ffi/memory.ts";
import { Description, Misuse } from "./descriptors.ts";

/** A description that epoll can watch. */
export abstract class Pollable extends Description {
  private readonly watches = new Set<Watch>();
  /** Whether it belongs to a child process: a pipe or a pidfd. */
  readonly isOfChild: boolean = false;

  /** The current mask of EPOLL bits. */
  abstract poll(): number;
  /** Called when epoll reports these bits to the server. */
  reported(_events: number): void {}
  /** The same report has others before it. While the server handles those, it may use this one too, and hear only then of what it has used up. */
  reportedBehindOthers(): void {}

  /** Called on a wake-up with these events; 0: any. */
  protected wake(events: number): void {
    for (const watch of this.watches) if (events === 0 || events & watch.events) watch.ready();
  }

  watchedBy(watch: Watch): void {
    this.watches.add(watch);
  }

  unwatchedBy(watch: Watch): void {
    this.watches.delete(watch);
  }

  /** Removes a closed descriptor from every epoll instance, as close(2) does. */
  protected forgetWatches(): void {
    for (const watch of [...this.watches]) watch.end();
  }
}

/** One descriptor in one epoll instance. */
class Watch {
  isReady = false;
  constructor(
    readonly epoll: Epoll,
    readonly fd: number,
    readonly source: Pollable,
    readonly events: number,
    readonly generation: number,
  ) {}

  ready(): void {
    if (this.isReady) return;
    this.isReady = true;
    this.epoll.readyList.push(this);
  }

  end(): void {
    this.epoll.watches.delete(this.fd);
    this.epoll.readyList = this.epoll.readyList.filter((watch) => watch !== this);
    this.source.unwatchedBy(this);
  }
}

export class Epoll extends Description {
  readonly watches = new Map<number, Watch>();
  readyList: Watch[] = [];

  describe(): string {
    return "an epoll instance";
  }

  closed(): void {
    for (const watch of [...this.watches.values()]) watch.end();
  }

  add(fd: number, source: Pollable, events: number, generation: number): number {
    if (this.watches.has(fd)) return -ERRNO.EEXIST;
    const watch = new Watch(this, fd, source, events | EPOLLERR | EPOLLHUP, generation);
    this.watches.set(fd, watch);
    source.watchedBy(watch);
    if (source.poll() & watch.events) watch.ready();
    return 0;
  }

  modify(fd: number, events: number, generation: number): number {
    const watch = this.watches.get(fd);
    if (!watch) return -ERRNO.ENOENT;
    watch.end();
    return this.add(fd, watch.source, events, generation);
  }

  remove(fd: number): number {
    const watch = this.watches.get(fd);
    if (!watch) return -ERRNO.ENOENT;
    watch.end();
    return 0;
  }

  /** Writes the ready descriptors to `events`; gives their number, at most `capacity`. */
  collect(events: Block, capacity: number): number {
    if (capacity < 1 || capacity * EPOLL_EVENT.words * 4 > events.bytes.length) {
      throw new Misuse(`epollWait: ${capacity} events do not fit a Block of ${events.bytes.length} bytes`);
    }
    const words = new Int32Array(events.bytes.buffer, events.bytes.byteOffset, capacity * EPOLL_EVENT.words);
    const levels: Watch[] = [];
    let count = 0;
    while (count < capacity && this.readyList.length > 0) {
      const watch = this.readyList.shift()!;
      watch.isReady = false;
      const mask = watch.source.poll() & watch.events;
      if (mask === 0) continue;
      const at = count++ * EPOLL_EVENT.words;
      words[at + EPOLL_EVENT.events] = mask;
      words[at + EPOLL_EVENT.fd] = watch.fd;
      words[at + EPOLL_EVENT.generation] = watch.generation;
      watch.source.reported(mask);
      if (count > 1) watch.source.reportedBehindOthers();
      if (!(watch.events & EPOLLET)) levels.push(watch);
    }
    for (const watch of levels) watch.ready();
    return count;
  }
}
