/** `random_index` (ngx_http_random_index_module): answers for a folder with one of its files, chosen by chance. */
import { DT_DIR, DT_REG, directoryEntries, S_IFREG } from "../../../ffi/abi.ts";
import { errnoText } from "../../../ffi/errno.ts";
import { Block } from "../../../ffi/memory.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import type { Answer } from "../../exchange/handler.ts";
import type { Unfinished } from "../../network/reactor.ts";
import { errorStatus } from "../errors.ts";
import type { Folder } from "./folder.ts";

/** Bytes of one getdents64; each turn does one, so that a large folder does not block the loop. */
const NAMES_A_STEP = 16 * 1024;

export class RandomFile implements Answer, Unfinished {
  private exchange!: Exchange;
  private fd = -1;
  private chosen = "";
  private seen = 0;
  private chance = 0;

  /** @param without answers if there is no file */
  constructor(
    private readonly folder: Folder,
    private readonly without: (exchange: Exchange) => void,
  ) {}

  handle(exchange: Exchange): void {
    this.exchange = exchange;
    this.fd = this.folder.open();
    if (this.fd < 0) {
      exchange.log("error", `opendir() of "${exchange.path}" failed (${errnoText(this.fd)})`);
      return exchange.fail(errorStatus(-this.fd));
    }
    this.folder.root.retain();
    this.chance = Number.parseInt(exchange.services.randomHex(4), 16);
    exchange.onGone = () => this.close();
    this.read();
  }

  onTurn(): void {
    if (this.fd < 0) return; // the client has left
    try {
      this.read();
    } catch (error) {
      this.exchange.crash(error);
    }
  }

  private read(): void {
    const { exchange } = this;
    const block = new Block(NAMES_A_STEP);
    const n = exchange.services.kernel.getdents(this.fd, block);
    if (n > 0) {
      for (const { name, type } of directoryEntries(block, n)) this.offer(name, type);
      return exchange.services.reactor.again(this);
    }
    this.close();
    exchange.onGone = null;
    if (n < 0) exchange.fail(errorStatus(-n));
    else if (this.chosen === "") this.without(exchange);
    else exchange.redirect(exchange.path + this.chosen, exchange.query);
  }

  /** Takes the nth file with a chance of 1/n, so that all are as likely and one name is kept. */
  private offer(name: string, type: number): void {
    if (name.startsWith(".") || !this.folder.shows(name)) return;
    if (type !== DT_REG && (type === DT_DIR || this.folder.look(name) !== S_IFREG)) return; // a link may lead to a file
    this.chance = (Math.imul(this.chance, 1_664_525) + 1_013_904_223) >>> 0; // Numerical Recipes, ranqd1
    if (Math.floor((this.chance / 2 ** 32) * ++this.seen) === 0) this.chosen = name;
  }

  private close(): void {
    if (this.fd < 0) return;
    this.exchange.services.kernel.close(this.fd);
    this.folder.root.release();
    this.fd = -1;
  }
}
