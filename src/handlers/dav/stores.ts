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
  /** Stores that were removed because there were too many. A request in progress may still use one, so it is closed once more, later. */
  private readonly former: Store[] = [];

  constructor(
    private readonly services: HandlerServices,
    private readonly settings: Settings,
  ) {}

  /** The store of an absolute folder. */
  at(root: string): Store {
    const known = this.stores.get(root);
    if (known !== undefined) return known;
    const [oldest] = this.stores;
    if (this.stores.size >= MOST_STORES && oldest !== undefined) this.drop(...oldest);
    return this.open(root);
  }

  private drop(root: string, store: Store): void {
    this.stores.delete(root);
    store.close();
    this.former.push(store);
    if (this.former.length > MOST_STORES) this.former.shift()!.close();
  }

  /** Removes what dead servers have left, where the folder is known before a request comes. */
  start(): void {
    const { root, alias, aliasPrefix } = this.settings;
    const fixed = alias === null ? root.constant : aliasPrefix === null ? null : alias.constant;
    if (fixed !== null) this.at(fixed).start();
  }

  close(): void {
    for (const store of [...this.stores.values(), ...this.former]) store.close();
    this.stores.clear();
    this.former.length = 0;
  }

  private open(root: string): Store {
    const { davAccess, symlinks } = this.settings;
    const folder = root === "/" ? root : root.replace(/\/+$/, "");
    const store = new Store(this.services, folder, symlinks, { file: davAccess, folder: folderMode(davAccess) });
    this.stores.set(root, store);
    return store;
  }
}
