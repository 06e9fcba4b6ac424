/** The stores of a location's files by their folders: one, unless `root` has variables. */
import type { Settings } from "../../config/model.ts";
import type { HandlerServices } from "../services.ts";
import { Store } from "../upload/store.ts";

/** Most stores at once: with variables, the folders depend on requests. */
const MOST_STORES = 64;

/** Who may read a file may enter the folders made with it, as in nginx. */
export const folderMode = (access: number): number => access | ((access & 0o444) >> 2);

export class DavStores {
  private readonly stores = new Map<string, Store>();

  constructor(
    private readonly services: HandlerServices,
    private readonly settings: Settings,
  ) {}

  /** The store of an absolute folder. */
  at(root: string): Store {
    const known = this.stores.get(root);
    if (known !== undefined) return known;
    const [oldest] = this.stores;
    if (this.stores.size >= MOST_STORES && oldest !== undefined) {
      oldest[1].close();
      this.stores.delete(oldest[0]);
    }
    return this.open(root);
  }

  /** Removes what dead servers have left, where the folder is known before a request comes. */
  start(): void {
    const { root, alias, aliasPrefix } = this.settings;
    const fixed = alias === null ? root.constant : aliasPrefix === null ? null : alias.constant;
    if (fixed !== null) this.at(fixed).start();
  }

  close(): void {
    for (const store of this.stores.values()) store.close();
    this.stores.clear();
  }

  private open(root: string): Store {
    const { davAccess, symlinks } = this.settings;
    const folder = root === "/" ? root : root.replace(/\/+$/, "");
    const store = new Store(this.services, folder, symlinks, { file: davAccess, folder: folderMode(davAccess) });
    this.stores.set(root, store);
    return store;
  }
}
