/** /etc/hosts (hosts(5)), read again when it has changed. */
import { O_RDONLY } from "../../../ffi/abi.ts";
import { formatAddress, parseAddress } from "../../../ffi/inet.ts";
import { FileStatus, type Kernel } from "../../../ffi/kernel.ts";
import { Block } from "../../../ffi/memory.ts";

const FILE = "/etc/hosts";
/** How long the file is not looked at again, ms. */
const TRUSTED = 1000;
/** Most bytes of the file that count. */
const LARGEST = 1024 * 1024;

export class Hosts {
  private names: ReadonlyMap<string, readonly string[]> = new Map();
  private checkedAt = Number.NEGATIVE_INFINITY;
  /** What the file looked like when it was read; "": it was not there. */
  private version = "";
  private readonly status = new FileStatus();

  constructor(private readonly kernel: Kernel) {}

  /** The numeric addresses of a name (small letters), in the file's order; empty: it has none. `now`: monotonic ms. */
  addresses(name: string, now: number): readonly string[] {
    if (now - this.checkedAt >= TRUSTED) {
      this.checkedAt = now;
      this.check();
    }
    return this.names.get(name) ?? [];
  }

  private check(): void {
    const { kernel, status } = this;
    const version = kernel.stat(FILE, status) === 0 ? versionOf(status) : "";
    if (version === this.version) return;
    this.version = version;
    this.names = version === "" ? new Map() : parse(this.read());
  }

  private read(): string {
    const { kernel } = this;
    const fd = kernel.open(FILE, O_RDONLY, 0);
    if (fd < 0) return "";
    const block = new Block(Math.max(1, Math.min(this.status.size, LARGEST)));
    let length = 0;
    for (let n = 1; n > 0 && length < block.bytes.length; length += Math.max(0, n)) {
      n = kernel.read(fd, block, length, block.bytes.length - length, length);
    }
    kernel.close(fd);
    return block.bytes.latin1Slice(0, length);
  }
}

const versionOf = ({ inode, device, size, mtimeSeconds, mtimeNanoseconds }: FileStatus): string =>
  [inode, device, size, mtimeSeconds, mtimeNanoseconds].join(":");

/** The addresses of each name. Lines that are no entries are skipped. */
function parse(text: string): Map<string, readonly string[]> {
  const names = new Map<string, string[]>();
  for (const line of text.split("\n")) {
    const [first = "", ...aliases] = line.replace(/#.*/, "").trim().split(/\s+/);
    const bytes = parseAddress(first);
    if (bytes === null) continue;
    const address = formatAddress(bytes, 0, bytes.length as 4 | 16);
    for (const alias of aliases) {
      const name = alias.toLowerCase();
      const known = names.get(name);
      if (known === undefined) names.set(name, [address]);
      else if (!known.includes(address)) known.push(address);
    }
  }
  return names;
}
