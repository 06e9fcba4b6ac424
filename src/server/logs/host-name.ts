/** This machine's name. */
import { O_RDONLY } from "../../../ffi/abi.ts";
import type { Kernel } from "../../../ffi/kernel.ts";
import { Block } from "../../../ffi/memory.ts";

/** The name in small letters, as in nginx; "localhost" where it cannot be read. */
export function hostName(kernel: Kernel): string {
  const fd = kernel.open("/proc/sys/kernel/hostname", O_RDONLY, 0);
  if (fd < 0) return "localhost";
  const block = new Block(256);
  const n = kernel.read(fd, block, 0, 256, -1);
  kernel.close(fd);
  return block.bytes.latin1Slice(0, Math.max(0, n)).trim().toLowerCase() || "localhost";
}
