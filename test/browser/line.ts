/** A line between browser and server that a test can hold or cut: what a weak network does, without its chance. */
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** So many bytes of each connection pass in any case: requests without a large body do. */
const FREE = 65_536;

export class Line {
  /** The port it leads to. */
  target = 0;
  /** While true, new connections are closed at once. */
  isDown = false;
  /** How many more bytes pass from the browser to the server, all connections together, besides what is free. */
  private allowance = Number.POSITIVE_INFINITY;
  private readonly server: Server;
  private readonly browsers = new Set<Socket>();
  /** Those that wait with a piece that may not pass yet. */
  private readonly held = new Set<() => void>();

  constructor() {
    this.server = createServer((browser) => this.join(browser));
  }

  /** Resolves when browsers can connect. */
  async open(): Promise<void> {
    this.server.listen(0, "127.0.0.1");
    await new Promise((resolve) => this.server.once("listening", resolve));
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** From now on `bytes` more may pass. */
  allow(bytes: number): void {
    this.allowance = bytes;
    for (const release of [...this.held]) release();
  }

  /** Breaks every connection there is; with `stayDown`, the next ones too. */
  cut(stayDown = false): void {
    this.isDown = stayDown;
    for (const browser of this.browsers) browser.destroy();
  }

  close(): void {
    this.cut(true);
    this.server.close();
  }

  private join(browser: Socket): void {
    if (this.isDown) return void browser.destroy();
    const server = connect(this.target, "127.0.0.1");
    const pieces: Buffer[] = [];
    let free = FREE;
    const release = (): void => {
      free = this.pass(pieces, server, free);
      const isHeld = pieces.length > 0;
      this.held[isHeld ? "add" : "delete"](release);
      browser[isHeld ? "pause" : "resume"]();
    };
    this.browsers.add(browser);
    browser.on("data", (piece) => {
      pieces.push(piece as Buffer);
      release();
    });
    server.pipe(browser);
    const end = (): void => {
      for (const socket of [browser, server]) socket.destroy();
      this.browsers.delete(browser);
      this.held.delete(release);
    };
    for (const socket of [browser, server]) socket.on("error", end).on("close", end);
  }

  /** Passes on what may pass of `pieces`, the rest stays in it; gives how much of `free` is left. */
  private pass(pieces: Buffer[], server: Socket, free: number): number {
    while (pieces.length > 0 && free + this.allowance > 0) {
      const piece = pieces.shift()!;
      const part = piece.subarray(0, free + this.allowance);
      if (part.length < piece.length) pieces.unshift(piece.subarray(part.length));
      this.allowance -= Math.max(0, part.length - free);
      free = Math.max(0, free - part.length);
      server.write(part);
    }
    return free;
  }
}
