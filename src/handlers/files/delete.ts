/** DELETE: removes one file, where `delete_files` is on. Files that GET does not serve cannot be removed. */
import { O_DIRECTORY, O_PATH } from "../../../ffi/abi.ts";
import { errnoText } from "../../../ffi/errno.ts";
import { FileStatus } from "../../../ffi/kernel.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import type { Handler } from "../../exchange/handler.ts";
import { filename, type Place, place } from "../../exchange/place.ts";
import { evaluate } from "../../http/reply/conditional.ts";
import { errorStatus } from "../errors.ts";
import type { HandlerServices } from "../services.ts";
import { validatorsOf } from "./file-reply.ts";
import { isHidden } from "./hidden.ts";
import { changing, fileWithin, openWithin } from "./open.ts";

export class DeleteHandler implements Handler {
  private readonly status = new FileStatus();

  constructor(private readonly services: HandlerServices) {}

  /** Claims DELETE requests, except for the error page of a failed one, which is served like any page. */
  claim({ method, errorStatus }: Exchange): this | null {
    return method === "DELETE" && errorStatus === 0 ? this : null;
  }

  handle(exchange: Exchange): void {
    const { path, settings } = exchange;
    const found = isHidden(path, settings.dotfiles) ? null : place(settings, path, exchange);
    if (found === null) return exchange.fail(404);
    const root = this.services.kernel.open(found.root || "/", O_PATH | O_DIRECTORY, 0);
    if (root < 0) return refuse(exchange, found, -root);
    this.removeBeneath(exchange, root, found);
    this.services.kernel.close(root);
  }

  private removeBeneath(exchange: Exchange, root: number, found: Place): void {
    const { settings, request } = exchange;
    // Follows links as GET does, so that only files GET would serve are removed.
    const n = fileWithin(this.services.kernel, root, found.path, settings.symlinks, this.status);
    if (n < 0) return refuse(exchange, found, -n);
    const { second } = this.services.clock;
    const verdict = evaluate(request, validatorsOf(settings, this.status), settings.ifModifiedSince, second);
    if (verdict !== 0) return exchange.fail(verdict);
    const removed = this.unlink(exchange, root, found.path);
    if (removed < 0) return refuse(exchange, found, -removed);
    this.services.files.changed();
    exchange.reply(204, [], null);
  }

  /** Removes the name itself: a link, not its target, and never outside of the root. 0 or -errno. */
  private unlink(exchange: Exchange, root: number, path: string): number {
    const { kernel } = this.services;
    const cut = path.lastIndexOf("/");
    const folder = cut < 0 ? "." : path.slice(0, cut);
    const parent = openWithin(kernel, root, folder, O_PATH | O_DIRECTORY, changing(exchange.settings.symlinks));
    if (parent < 0) return parent;
    const n = kernel.unlink(parent, path.slice(cut + 1));
    kernel.close(parent);
    return n;
  }
}

function refuse(exchange: Exchange, found: Place, error: number): void {
  const status = errorStatus(error);
  exchange.log(status >= 500 ? "crit" : "error", `deleting "${filename(found)}" failed (${errnoText(error)})`);
  exchange.fail(status);
}
