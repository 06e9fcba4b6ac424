/** Kernel.spawn: posix_spawn(3). The attributes are made once, because they are the same for every child. */
import type { Pointer } from "bun:ffi";
import * as abi from "./abi.ts";
import { ERRNO } from "./errno.ts";
import type { Program } from "./kernel.ts";
import { libc } from "./libc.ts";
import { Block, StringVector } from "./memory.ts";

/** Size that is enough for a posix_spawnattr_t, posix_spawn_file_actions_t or sigset_t of glibc and musl (336 bytes at most). */
const OPAQUE = 512;

const pointer = (address: number): Pointer => address as Pointer;

/** The posix_spawn functions return an error number instead of setting errno. */
class Spawner {
  private readonly attributes = new Block(OPAQUE);
  private readonly actions = new Block(OPAQUE);
  private readonly signals = new Block(OPAQUE);
  private readonly pid = new Block(8);
  private readonly texts = new StringVector();
  private readonly args = new StringVector();
  private readonly environment = new StringVector();

  constructor() {
    const attributes = pointer(this.attributes.address);
    const signals = pointer(this.signals.address);
    libc.posix_spawnattr_init(attributes);
    // A session leader cannot leave its process group (setpgid(2)), so signals to the group always reach it.
    const flags = abi.POSIX_SPAWN_SETSID | abi.POSIX_SPAWN_SETSIGDEF | abi.POSIX_SPAWN_SETSIGMASK;
    libc.posix_spawnattr_setflags(attributes, flags);
    libc.sigfillset(signals); // the runtime ignores SIGPIPE and SIGXFSZ, and a child would inherit that
    libc.posix_spawnattr_setsigdefault(attributes, signals);
    libc.sigemptyset(signals);
    libc.posix_spawnattr_setsigmask(attributes, signals);
    // The server opens everything close-on-exec; this covers descriptors that the server itself inherited (close_range(2), Linux 5.11).
    libc.syscall(abi.SYS_close_range, 3, pointer(0x7fffffff), abi.CLOSE_RANGE_CLOEXEC, 0, null);
  }

  spawn(program: Program): number {
    const { texts, args, environment } = this;
    if (!texts.set([program.path, program.folder]) || !args.set(program.args)) return -ERRNO.EINVAL;
    if (!environment.set(program.environment)) return -ERRNO.EINVAL;
    const actions = pointer(this.actions.address);
    libc.posix_spawn_file_actions_init(actions);
    libc.posix_spawn_file_actions_adddup2(actions, program.stdin, 0);
    libc.posix_spawn_file_actions_adddup2(actions, program.stdout, 1);
    libc.posix_spawn_file_actions_adddup2(actions, program.stderr, 2);
    libc.posix_spawn_file_actions_addchdir_np(actions, pointer(texts.textAddress(1)));
    const error = libc.posix_spawn(
      pointer(this.pid.address),
      pointer(texts.textAddress(0)),
      actions,
      pointer(this.attributes.address),
      pointer(args.address),
      pointer(environment.address),
    );
    libc.posix_spawn_file_actions_destroy(actions);
    return error !== 0 ? -error : this.pid.bytes.readInt32LE(0);
  }
}

let spawner: Spawner | null = null;

/** As Kernel.spawn. */
export function spawn(program: Program): number {
  spawner ??= new Spawner();
  return spawner.spawn(program);
}
