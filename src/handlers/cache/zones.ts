/** The caches of one server by their folders. A reload keeps those whose folder stays. */
import type { CachePath } from "../../config/gateway.ts";
import type { Config } from "../../config/model.ts";
import { KeptBounds } from "./kept-entries.ts";
import { type CacheServices, CacheZone } from "./zone.ts";

/** Most bytes of entries that all caches together keep in memory. */
const MAX_BYTES = 64 * 1024 * 1024;

export class CacheZones {
  private readonly byPath = new Map<string, CacheZone>();
  /** The zones of the current configuration by name. */
  private byName = new Map<string, CacheZone>();
  private readonly bounds: KeptBounds;
  private readonly block = CacheZone.readBlock();

  constructor(private readonly services: CacheServices) {
    this.bounds = new KeptBounds(MAX_BYTES, () => Math.max(0, services.kernel.descriptorLimit()) >> 5);
  }

  /** Opens the caches of a configuration that becomes the current one, and closes those that it does not have. */
  adopt({ caches }: Pick<Config, "caches">): void {
    const used = new Map([...caches.values()].map((path) => [keyOf(path), path]));
    for (const [key, zone] of this.byPath) {
      if (used.has(key)) continue;
      zone.close();
      this.byPath.delete(key);
    }
    this.byName = new Map();
    for (const [key, path] of used) this.byName.set(path.name, this.zone(key, path));
  }

  private zone(key: string, path: CachePath): CacheZone {
    const known = this.byPath.get(key);
    if (known !== undefined) {
      known.adjust(path);
      return known;
    }
    const zone = new CacheZone(path, this.services, this.bounds, this.block);
    this.byPath.set(key, zone);
    zone.open();
    return zone;
  }

  /** The cache of a name; undefined: there is none. */
  get(name: string): CacheZone | undefined {
    return this.byName.get(name);
  }

  /** Whether replies are being stored, perhaps without their clients. */
  get isWriting(): boolean {
    return [...this.byPath.values()].some(({ writing }) => writing > 0);
  }

  sweep(): void {
    for (const zone of this.byPath.values()) zone.sweep();
  }

  close(): void {
    for (const zone of this.byPath.values()) zone.close();
    this.byPath.clear();
    this.byName.clear();
  }
}

const keyOf = ({ path, levels }: CachePath): string => `${levels.join(":")} ${path}`;
