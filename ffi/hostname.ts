/** The name of the machine, as gethostname(2) tells it. */
import { O_RDONLY } from "./abi.ts";
import type { Kernel } from "./kernel.ts";
import { Block } from "./memory.ts";

const FILE = "/proc/sys/kernel/hostname";

/** In small letters, as nginx has it; "" if it is unknown. */
export function hostname(kernel: Pick<Kernel, "open" | "read" | "close">): string {
  const fd = kernel.open(FILE, O_RDONLY, 0);
  if (fd < 0) return "";
  const block = new Block(256);
  const n = kernel.read(fd, block, 0, block.bytes.length, 0);
  kernel.close(fd);
  return block.bytes.latin1Slice(0, Math.max(0, n)).trim().toLowerCase();
}
