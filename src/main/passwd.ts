/** `webserv passwd`: adds, replaces and removes entries of a password file for `auth_basic_user_file`. */
import { parseArgs } from "node:util";
import { BCRYPT_BYTES, makeBcrypt } from "../../ffi/bcrypt.ts";
import type { Kernel } from "../../ffi/kernel.ts";
import { octets } from "../http/octets.ts";
import { writeError, writeOut } from "./output.ts";
import { changePasswordFile, withEntry } from "./password-file.ts";
import { askHidden, isTerminal, readLine } from "./prompt.ts";

const USAGE = `usage: webserv passwd [options] FILE USER
       webserv passwd -n [options] USER

Makes or replaces the entry of USER in a password file (bcrypt), which auth_basic_user_file names.
The password is asked for twice at a terminal, or is the first line of standard input.

      --stdin           read standard input even at a terminal
      --cost N          bcrypt's cost, 10 to 16 (default 10); each step doubles the time of a check
  -D, --delete          remove the entry
  -n, --print           print the entry, change no file
  -h, --help            this text
`;

const options = {
  stdin: { type: "boolean" },
  cost: { type: "string" },
  delete: { type: "boolean", short: "D" },
  print: { type: "boolean", short: "n" },
  help: { type: "boolean", short: "h" },
} as const;

interface Task {
  /** null: print the entry. */
  readonly file: string | null;
  readonly user: string;
  readonly cost: number;
  readonly remove: boolean;
  readonly fromInput: boolean;
}

/** @param args the arguments after `passwd` @returns the exit status: 0: done, 1: failed, 2: bad usage */
export async function passwd(kernel: Kernel, args: string[]): Promise<number> {
  const task = parse(args);
  if (task === "help") return writeOut(kernel, USAGE) ? 0 : 1;
  if (typeof task === "string") return complain(kernel, `${task}\n${USAGE}`, 2);
  return task.remove ? remove(kernel, task) : await enter(kernel, task);
}

function complain(kernel: Kernel, message: string, status = 1): number {
  writeError(kernel, `webserv passwd: error: ${message}${message.endsWith("\n") ? "" : "\n"}`);
  return status;
}

/** Parses the arguments: a task, "help", or a message about what is wrong. */
function parse(args: string[]): Task | string {
  try {
    const { values, positionals } = parseArgs({ args, options, allowPositionals: true, strict: true });
    if (values.help === true) return "help";
    const print = values.print === true;
    if (positionals.length !== (print ? 1 : 2)) return print ? "a USER is expected" : "FILE and USER are expected";
    if (print && values.delete === true) return "--print and --delete exclude each other";
    const cost = Number(values.cost ?? 10);
    if (!Number.isInteger(cost) || cost < 10 || cost > 16) return `invalid cost "${values.cost}": 10 to 16 is expected`;
    const user = positionals.at(-1)!;
    const problem = userProblem(user);
    if (problem !== null) return problem;
    const file = print ? null : positionals[0]!;
    return { file, user, cost, remove: values.delete === true, fromInput: values.stdin === true };
  } catch (error) {
    return (error instanceof Error ? error.message : String(error)).split("\n")[0]!;
  }
}

/** Why a user's name cannot be used: RFC 7617 §2 or the file's format forbids it. Null: it can. */
function userProblem(user: string): string | null {
  if (user === "") return "the user's name is empty";
  if (user.startsWith("#")) return 'a user\'s name cannot begin with "#", which begins a comment';
  if (/[:\0-\x1f\x7f]/.test(user)) return "a user's name cannot contain a colon or a control character";
  return Buffer.byteLength(user) > 255 ? "the user's name is longer than 255 bytes" : null;
}

function remove(kernel: Kernel, { file, user }: Task): number {
  let found = true;
  const problem = changePasswordFile(kernel, file!, (text) => {
    const changed = withEntry(text, octets(user), null);
    found = changed !== null;
    return changed;
  });
  if (problem !== "") return complain(kernel, problem);
  return found ? 0 : complain(kernel, `"${file}" has no user "${user}"`);
}

async function enter(kernel: Kernel, { file, user, cost, fromInput }: Task): Promise<number> {
  const password =
    !fromInput && isTerminal(kernel) ? askTwice(kernel) : (readLine(kernel) ?? "no password could be read");
  if (typeof password === "string") return complain(kernel, password);
  const problem = passwordProblem(password);
  if (problem !== null) return complain(kernel, problem);
  const line = `${octets(user)}:${await makeBcrypt(password, cost)}`;
  if (file === null) return writeOut(kernel, `${user}${line.slice(octets(user).length)}\n`) ? 0 : 1;
  const failure = changePasswordFile(kernel, file, (text) => withEntry(text, octets(user), line));
  return failure === "" ? 0 : complain(kernel, failure);
}

function passwordProblem(password: Buffer): string | null {
  if (password.length === 0) return "the password is empty";
  if (/[\0-\x1f\x7f]/.test(password.latin1Slice())) return "a password cannot contain control characters";
  return password.length > BCRYPT_BYTES
    ? `the password is longer than the ${BCRYPT_BYTES} bytes that bcrypt uses`
    : null;
}

/** Asks for the password twice. Gives it, or a message. */
function askTwice(kernel: Kernel): Buffer | string {
  const first = askHidden(kernel, "New password: ");
  const second = first === null ? null : askHidden(kernel, "The same again: ");
  if (first === null || second === null) return "interrupted";
  return first.equals(second) ? first : "the passwords differ";
}
