/** A world whose server runs programs, and the invariants that must hold. */
import type { Timed } from "../../src/network/timers.ts";
import { Pollable } from "./epoll.ts";
import { OpenFile } from "./open-file.ts";
import { PROGRAMS } from "./programs.ts";
import type { Webserv } from "./webserv.ts";
import type { World } from "./world.ts";

/** Directives: a location where programs run. */
export const cgi = (directives = ""): string =>
  `cgi_timeout 12s; location /cgi/ { alias /programs/; cgi .cgi; cgi .sh /bin/sh; client_max_body_size 3m; ${directives} }`;

/** Default limit of programs that run at the same time. */
const MOST = 64;

/** Installs the programs and promises that they leave nothing behind. The run lasts until the last process is reaped. */
export function machine(world: World, most = MOST): void {
  const { processes, descriptors, files } = world.kernel;
  for (const [name, { behaviour }] of Object.entries(PROGRAMS)) {
    processes.install(`/programs/${name}.cgi`, behaviour);
    processes.install(`/programs/${name}.sh`, behaviour);
  }
  world.awaits(() => processes.left().length === 0);
  world.promises("no more ran at once than may", () => processes.most <= most || processes.most);
  const open = () => [...descriptors.numbers()].map((fd) => descriptors.get(fd));
  world.promises("no pipe or pidfd is left", () => {
    const left = open().filter((each) => each instanceof Pollable && each.isOfChild);
    return left.map((each) => each.describe()).join(", ") || true;
  });
  world.promises("no spooled body is left", () => {
    const named = [...files.tree.at("/tmp")!.entries.values()].filter((node) => !files.names.undeletable.has(node));
    const unnamed = open().filter((file) => file instanceof OpenFile && file.node.parent === null);
    return [...named.map(({ name }) => name), ...unnamed.map((file) => file.describe())].join(", ") || true;
  });
  world.promises("no timer of a script is left", () => timers(world.subject as Webserv).join(", ") || true);
}

/** Names of the classes of scripts' pending timers. */
function timers({ server }: Webserv): string[] {
  const names: string[] = [];
  const lists: Map<number, { readonly first: Timed | null }> = Reflect.get(server.reactor.timers, "lists");
  for (const { first } of lists.values()) {
    for (let timed = first; timed !== null; timed = timed.timerNext) names.push(timed.constructor.name);
  }
  return names.filter((name) => name === "ChildProcess" || name === "Waiting");
}
