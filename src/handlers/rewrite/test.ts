/** The tests of `if`. */
import { S_IFDIR, S_IFMT, S_IFREG } from "../../../ffi/abi.ts";
import { ERRNO, errnoText } from "../../../ffi/errno.ts";
import { FileStatus, type Kernel } from "../../../ffi/kernel.ts";
import type { Test } from "../../config/settings/rewrite.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import { nameText } from "../../http/octets.ts";
import type { HandlerServices } from "../services.ts";
import { Matcher } from "./matcher.ts";
import type { Run } from "./step.ts";
import { textOf } from "./text.ts";

/** Whether the condition holds; undefined: that cannot be decided. */
type Holds = (exchange: Exchange, run: Run) => boolean | undefined;

export function testOf(test: Test, { templates, kernel }: Pick<HandlerServices, "templates" | "kernel">): Holds {
  if (test.kind === "file") return fileTest(test, textOf(test.path.parts, templates), kernel);
  const subject = templates.evaluator(test.subject);
  switch (test.kind) {
    case "isSet":
      return (exchange) => {
        const text = subject(exchange);
        return text !== "" && text !== "0";
      };
    case "equals": {
      const value = textOf(test.value.parts, templates);
      return (exchange, { quotes }) => (subject(exchange) === value(exchange, quotes)) !== test.negated;
    }
    case "matches": {
      const matcher = new Matcher(test.pattern);
      return (exchange, run) => {
        const matches = matcher.matches(exchange, subject(exchange), run);
        return matches === undefined ? undefined : matches !== test.negated;
      };
    }
  }
}

const EXECUTABLE_BY_OWNER = 0o100;
/** What only says that there is no such file. */
const MISSING: readonly number[] = [ERRNO.ENOENT, ERRNO.ENOTDIR, ERRNO.ENAMETOOLONG];

function fileTest(
  { is, negated }: Extract<Test, { kind: "file" }>,
  path: ReturnType<typeof textOf>,
  kernel: Kernel,
): Holds {
  const status = new FileStatus();
  return (exchange, { quotes }) => {
    const name = nameText(path(exchange, quotes));
    const result = name.startsWith("/") ? kernel.stat(name, status) : -ERRNO.ENOENT;
    if (result < 0 && !MISSING.includes(-result))
      exchange.log("crit", `stat() "${name}" failed (${errnoText(result)})`);
    return (result >= 0 && fits(is, status.mode)) !== negated;
  };
}

/** Whether a file's mode is that of what `-f`, `-d`, `-e` or `-x` asks for, in nginx's sense. */
function fits(what: Extract<Test, { kind: "file" }>["is"], mode: number): boolean {
  const type = mode & S_IFMT;
  if (what === "file") return type === S_IFREG;
  if (what === "folder") return type === S_IFDIR;
  if (what === "there") return type === S_IFREG || type === S_IFDIR;
  return (mode & EXECUTABLE_BY_OWNER) !== 0;
}
