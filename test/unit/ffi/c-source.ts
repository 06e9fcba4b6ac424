/** The C program that says of every constant and layout in ffi/abi.ts and ffi/errno.ts what the headers say. */

/** Names with a value that is a number; a layout's members are `STATX.mode`. */
export type Numbers = Readonly<Record<string, number>>;

/** What has no macro of its own name in the headers. */
const EXPRESSIONS: Readonly<Record<string, string>> = {
  SOCKADDR_STORAGE: "sizeof(struct sockaddr_storage)",
  SOCKADDR_IN: "sizeof(struct sockaddr_in)",
  SOCKADDR_IN6: "sizeof(struct sockaddr_in6)",
  SOCKADDR_UN: "sizeof(struct sockaddr_un)",
  SUN_PATH: "offsetof(struct sockaddr_un, sun_path)",
  OPEN_HOW: "sizeof(struct open_how)",
  "EPOLL_EVENT.words": "sizeof(struct epoll_event) / 4",
  "EPOLL_EVENT.events": "offsetof(struct epoll_event, events) / 4",
  "EPOLL_EVENT.fd": "offsetof(struct epoll_event, data) / 4",
  "EPOLL_EVENT.generation": "offsetof(struct epoll_event, data) / 4 + 1",
  "STATX.size": "sizeof(struct statx)",
  "STATX.mode": "offsetof(struct statx, stx_mode)",
  "STATX.inode": "offsetof(struct statx, stx_ino)",
  "STATX.fileSize": "offsetof(struct statx, stx_size)",
  "STATX.user": "offsetof(struct statx, stx_uid)",
  "STATX.group": "offsetof(struct statx, stx_gid)",
  "STATX.ctimeSeconds": "offsetof(struct statx, stx_ctime.tv_sec)",
  "STATX.ctimeNanoseconds": "offsetof(struct statx, stx_ctime.tv_nsec)",
  "STATX.mtimeSeconds": "offsetof(struct statx, stx_mtime.tv_sec)",
  "STATX.mtimeNanoseconds": "offsetof(struct statx, stx_mtime.tv_nsec)",
  "STATX.deviceMajor": "offsetof(struct statx, stx_dev_major)",
  "STATX.deviceMinor": "offsetof(struct statx, stx_dev_minor)",
  "TERMIOS.size": "sizeof(struct termios)",
  "TERMIOS.localFlags": "offsetof(struct termios, c_lflag)",
  // No header has struct linux_dirent64; on 64-bit machines it is what readdir(3) gives.
  "DIRENT64.length": "offsetof(struct dirent, d_reclen)",
  "DIRENT64.type": "offsetof(struct dirent, d_type)",
  "DIRENT64.name": "offsetof(struct dirent, d_name)",
};

/** What ffi/ relies on without a name for it: offsets that the code has as literals, and the fields of struct open_how and rlimit. */
const ASSUMED: readonly string[] = [
  "offsetof(struct sockaddr_in, sin_port) == 2",
  "offsetof(struct sockaddr_in, sin_addr) == 4",
  "offsetof(struct sockaddr_in6, sin6_port) == 2",
  "offsetof(struct sockaddr_in6, sin6_addr) == 8",
  "offsetof(struct open_how, flags) == 0",
  "offsetof(struct open_how, mode) == 8",
  "offsetof(struct open_how, resolve) == 16",
  "offsetof(struct rlimit, rlim_cur) == 0",
  "offsetof(struct rlimit, rlim_max) == 8",
  "sizeof(struct rlimit) == 16",
  "sizeof(off_t) == 8",
  "sizeof(socklen_t) == 4",
  "sizeof(mode_t) == 4",
  "sizeof(pid_t) == 4",
  "sizeof(posix_spawnattr_t) <= 512",
  "sizeof(posix_spawn_file_actions_t) <= 512",
  "sizeof(sigset_t) <= 512",
];

const HEADERS =
  `dirent errno fcntl limits netinet/in netinet/tcp signal spawn stddef stdio sys/epoll sys/file sys/resource
  sys/socket sys/stat sys/syscall sys/un sys/wait termios unistd linux/openat2`.split(/\s+/);

/** Each export that is a number, and each number in an export that is an object, by its name. */
export function numbersIn(exports: object): Numbers {
  const flat = Object.entries(exports).flatMap(([name, value]): [string, unknown][] =>
    value !== null && typeof value === "object"
      ? Object.entries(value).map(([member, number]) => [`${name}.${member}`, number])
      : [[name, value]],
  );
  return Object.fromEntries(flat.filter((entry): entry is [string, number] => typeof entry[1] === "number"));
}

/** A program that a compiler accepts only if every one of `numbers` is what its headers have; each other is an error with its name. */
export function claims(numbers: Numbers): string {
  const includes = HEADERS.map((name) => `#include <${name}.h>`);
  const named = Object.entries(numbers).map(([name, value]) =>
    claim(`(int)(${EXPRESSIONS[name] ?? name}) == ${value}`, name),
  );
  // musl has struct statx since 1.2.5; the kernel's own header has it always.
  const statx = "#ifndef STATX_BASIC_STATS\n#include <linux/stat.h>\n#endif";
  const closeRange = "#ifndef CLOSE_RANGE_CLOEXEC\n#include <linux/close_range.h>\n#endif";
  const rename = "#ifndef RENAME_NOREPLACE\n#include <linux/fs.h>\n#endif";
  return [
    "#define _GNU_SOURCE",
    ...includes,
    statx,
    rename,
    closeRange,
    ...named,
    ...ASSUMED.map((text) => claim(text, "")),
    "",
  ].join("\n");
}

const claim = (condition: string, name: string): string =>
  `_Static_assert(${condition}, ${JSON.stringify(`${name}: ${condition}`)});`;
