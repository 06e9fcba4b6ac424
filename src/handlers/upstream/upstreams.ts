/** The groups of servers of all generations. A group that a reload does not change stays: its peers' health and its idle connections too. */
import type { UpstreamConfig } from "../../config/gateway.ts";
import type { Services } from "../../exchange/services.ts";
import { chanceFrom } from "./balancing/random.ts";
import { Group } from "./group.ts";
import type { UpstreamGroup } from "./upstream.ts";

/** A group and the number of generations that have it. */
interface Shared {
  readonly key: string;
  readonly group: Group;
  users: number;
}

type UpstreamServices = ConstructorParameters<typeof Group>[1] & Pick<Services, "randomHex">;

export class Upstreams {
  /** The groups of the generation that was made last. Handlers take them in their constructor, because they belong to that generation. */
  latest = new GenerationGroups(new Map());
  /** By configuration. */
  private readonly shared = new Map<string, Shared>();
  private readonly chance: () => number;

  constructor(private readonly services: UpstreamServices) {
    this.chance = chanceFrom(Number.parseInt(services.randomHex(4), 16));
  }

  /** The groups for a new generation, which releases them when it ends. */
  make(configs: ReadonlyMap<string, UpstreamConfig>): GenerationGroups {
    const groups = new Map([...configs].map(([name, config]) => [name, this.share(config)] as const));
    this.latest = new GenerationGroups(groups, (shared) => this.release(shared));
    return this.latest;
  }

  /** `groups` belong to the configuration in use now, and those of no other do. */
  adopt(groups: GenerationGroups): void {
    for (const { group } of this.shared.values()) {
      if (groups.find(group.name) === group) group.start();
      else group.stop();
    }
  }

  private share(config: UpstreamConfig): Shared {
    const key = keyOf(config);
    let shared = this.shared.get(key);
    if (shared === undefined) {
      shared = { key, group: new Group(config, this.services, this.chance), users: 0 };
      this.shared.set(key, shared);
    }
    shared.users++;
    return shared;
  }

  private release(shared: Shared): void {
    if (--shared.users > 0) return;
    this.shared.delete(shared.key);
    shared.group.close();
  }
}

/** The groups of one generation. */
export class GenerationGroups {
  private released = false;

  constructor(
    private readonly groups: ReadonlyMap<string, Shared>,
    private readonly release: (shared: Shared) => void = () => {},
  ) {}

  /** The group of an `upstream` block or of an address, by its key in `Config.upstreams`. */
  find(name: string): UpstreamGroup | undefined {
    return this.groups.get(name)?.group;
  }

  /** The generation has ended. */
  close(): void {
    if (this.released) return;
    this.released = true;
    for (const shared of this.groups.values()) this.release(shared);
  }
}

/** Equal for configurations that differ at most in their position in the file. */
const keyOf = (config: UpstreamConfig): string =>
  JSON.stringify(config, (key, value) => (key === "position" ? undefined : value));
