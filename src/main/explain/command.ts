/** `webserv explain FILE URL [METHOD]`: what a configuration would do with a request. Exit status: 0: explained, 1: bad configuration or no such address, 2: bad usage. */
import { parseArgs } from "node:util";
import type { Kernel } from "../../../ffi/kernel.ts";
import { formatDiagnostics, type LoadOptions, loadConfig } from "../../config/load.ts";
import { writeError, writeOut } from "../output.ts";
import { DryRun } from "./dry-run.ts";
import { explanationOf } from "./explanation.ts";
import { ask, type Question, questionProblem } from "./question.ts";
import { explanationText } from "./text.ts";

const USAGE = `usage: webserv explain [options] FILE URL [METHOD]

Says what the configuration FILE would do with a request: which server and location, what is rewritten, who may come in,
who answers, what is changed and logged, and which line of which file decided. Nothing is sent, run or written.
URL is http://HOST[:PORT]/PATH (or https), or /PATH at the first address of the file.

  -H, --header 'NAME: VALUE'  a field of the request; may be repeated
      --client ADDRESS        the client's address (default 127.0.0.1)
      --json                  the same as one JSON object
  -p, --prefix DIR            as for the server
  -h, --help                  this text
`;

const options = {
  header: { type: "string", short: "H", multiple: true },
  client: { type: "string" },
  json: { type: "boolean" },
  prefix: { type: "string", short: "p" },
  help: { type: "boolean", short: "h" },
} as const;

interface Task extends Question {
  readonly file: string;
  readonly prefix: string | undefined;
  readonly json: boolean;
}

/** What loading a configuration needs beside the file. */
type Loading = Pick<LoadOptions, "variables" | "searchPath">;

/** Names are not looked up: who has which address makes no difference here (RFC 5737 reserves this one). */
const lookUp = (): readonly string[] => ["192.0.2.1"];

/** @param args the arguments after `explain` @returns the exit status */
export async function explain(
  kernel: Kernel,
  args: string[],
  loading: Loading,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  const task = parse(args);
  if (task === "help") return writeOut(kernel, USAGE) ? 0 : 1;
  if (typeof task === "string") return complain(kernel, `${task}\n${USAGE}`, 2);
  const { config, diagnostics, origins } = loadConfig({
    kernel,
    ...loading,
    lookUp,
    file: task.file,
    prefix: task.prefix,
  });
  const errors = diagnostics.filter(({ severity }) => severity === "error");
  writeError(kernel, formatDiagnostics(errors));
  if (config === null) return complain(kernel, `${task.file} has errors: the server would not start`, 1);
  const asked = ask(config, task);
  if (typeof asked === "string") return complain(kernel, asked, 1);
  const dryRun = new DryRun(kernel, config, origins, asked.listen, environment);
  const explanation = explanationOf(task, asked, await dryRun.ask(asked, task.client), origins);
  dryRun.close();
  const text = task.json ? `${JSON.stringify(explanation, null, 2)}\n` : explanationText(explanation);
  return writeOut(kernel, text) ? 0 : 1;
}

function complain(kernel: Kernel, message: string, status: number): number {
  writeError(kernel, `webserv explain: error: ${message}${message.endsWith("\n") ? "" : "\n"}`);
  return status;
}

/** The task, "help", or what is wrong with the arguments. */
function parse(args: string[]): Task | string {
  try {
    const { values, positionals } = parseArgs({ args, options, allowPositionals: true, strict: true });
    if (values.help === true) return "help";
    const [file, url, method = "GET", ...more] = positionals;
    if (file === undefined || url === undefined || more.length > 0) return "FILE, URL and perhaps METHOD are expected";
    const question = { url, method, fields: values.header ?? [], client: values.client ?? "127.0.0.1" };
    const problem = questionProblem(question);
    return problem === "" ? { ...question, file, prefix: values.prefix, json: values.json === true } : problem;
  } catch (error) {
    return (error instanceof Error ? error.message : String(error)).split("\n")[0]!;
  }
}
