/**
 * A syslog server that takes datagrams, over UDP or a unix socket, in the form of RFC 3164. What its socket does not take at once is
 * dropped and counted; nothing waits.
 */
import { SOCK_DGRAM, SOCKADDR_STORAGE } from "../../../ffi/abi.ts";
import { ERRNO, errnoText } from "../../../ffi/errno.ts";
import type { Kernel } from "../../../ffi/kernel.ts";
import { Block } from "../../../ffi/memory.ts";
import type { SyslogTarget } from "../../config/settings/logs.ts";
import { encodeAddress, familyNumber } from "../../network/address.ts";
import { Alarm } from "../../network/timers.ts";
import type { Complain, LogOutput, Schedule } from "./output.ts";

/** Largest datagram of UDP over IPv4. */
const MOST = 65_507;
/** How long after the first loss it is told, and how long until the next time, ms. */
const SOON = 1000;
const LATER = 60_000;

/** Errors of a server that was restarted: its socket is another one now. */
const GONE: ReadonlySet<number> = new Set([ERRNO.ECONNREFUSED, ERRNO.ECONNRESET, ERRNO.ENOTCONN, ERRNO.EPIPE]);

const message = new Block(MOST);
const address = new Block(SOCKADDR_STORAGE);

export class Syslog implements LogOutput {
  readonly waits = false;
  private fd = -1;
  private lost = 0;
  private reason = 0;
  private delay = SOON;
  private isTelling = false;
  private readonly alarm = new Alarm(() => this.onAlarm());

  /** @param hostName this machine's name */
  constructor(
    private readonly kernel: Kernel,
    private readonly target: SyslogTarget,
    private readonly hostName: string,
    private readonly complain: Complain,
    private readonly schedule: Schedule,
  ) {}

  get name(): string {
    return this.target.server;
  }

  /** The server may come later, so nothing can fail here. */
  open(): number {
    return 0;
  }

  *descriptors(): Iterable<number> {
    if (this.fd >= 0) yield this.fd;
  }

  /** Sends a text of octets without a line end. @param time as RFC 3164 has it: `Nov  8 09:05:00` */
  send(severity: number, time: string, text: string): void {
    if (this.isTelling) return; // of itself, to itself
    const { facility, hostname, tag } = this.target;
    const host = hostname ? `${this.hostName} ` : "";
    const whole = `<${facility * 8 + severity}>${time} ${host}${tag}: ${text}`;
    const length = message.bytes.latin1Write(whole, 0);
    let n = this.put(length);
    if (n < 0 && GONE.has(-n)) n = this.put(length); // on a new socket
    if (n < 0) this.lose(n);
  }

  private put(length: number): number {
    const { kernel } = this;
    const connected = this.fd >= 0 ? 0 : this.connect();
    if (connected < 0) return connected;
    const n = kernel.send(this.fd, message, 0, length);
    if (n < 0 && GONE.has(-n)) this.disconnect();
    return n;
  }

  private connect(): number {
    const { kernel, target } = this;
    const fd = kernel.socket(familyNumber[target.address.family], SOCK_DGRAM);
    if (fd < 0) return fd;
    const n = kernel.connect(fd, address, encodeAddress(target.address, address));
    if (n < 0) kernel.close(fd);
    else this.fd = fd;
    return n;
  }

  private disconnect(): void {
    if (this.fd >= 0) this.kernel.close(this.fd);
    this.fd = -1;
  }

  private lose(error: number): void {
    this.lost++;
    this.reason = error;
    if (this.alarm.timerList === null) this.schedule(this.alarm, this.delay);
  }

  /** Tells of losses a second after the first, then once a minute while they go on. */
  private onAlarm(): void {
    this.delay = this.lost > 0 ? LATER : SOON;
    this.tell();
    if (this.delay === LATER) this.schedule(this.alarm, LATER);
  }

  private tell(): void {
    if (this.lost === 0) return;
    const { lost } = this;
    this.lost = 0;
    this.isTelling = true;
    this.complain(`${lost} messages for the syslog server "${this.name}" were lost (${errnoText(this.reason)})`);
    this.isTelling = false;
  }

  flush(): void {}

  close(): void {
    this.tell();
    this.disconnect();
  }
}
