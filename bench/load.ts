/** Load generators, with a fixed number of requests: h2load for keep-alive and pipelining, ab for a new connection per request. */

/** The requests sent to a server. */
export interface Load {
  readonly requests: number;
  readonly clients: number;
  /** Requests in flight on one connection; 1: no pipelining. */
  readonly pipelined: number;
  /** A new connection for each request. */
  readonly connect: boolean;
  readonly paths: readonly string[];
  /** Field lines, as `Name: value`. */
  readonly headers: readonly string[];
  /** The expected class of status: 2, 3 or 4; 0: any. */
  readonly expects: number;
  /** The file that is the body of each request, which is a POST then. */
  readonly body?: string;
  /** Over HTTPS. */
  readonly tls?: boolean;
}

/** The result of a load. */
export interface LoadResult {
  readonly answered: number;
  /** Requests without a reply, or with a status of the wrong class. */
  readonly failed: number;
  readonly seconds: number;
  /** Longest time of one request, ms. */
  readonly slowest: number;
}

/** The default load; scenarios override some settings. */
export const LOAD: Load = {
  requests: 50_000,
  clients: 64,
  pipelined: 1,
  connect: false,
  paths: ["/1k.html"],
  headers: [],
  expects: 2,
};

/**
 * Sends `load` to the server at 127.0.0.1:`port`, with the generator on CPU `cpu`, and gives the result.
 * Throws if the generator itself fails.
 */
export async function run(load: Load, port: number, cpu: number): Promise<LoadResult> {
  const command = ["taskset", "-c", String(cpu), ...(load.connect ? ab(load, port) : h2load(load, port))];
  const generator = Bun.spawn(command, { stdout: "pipe", stderr: "pipe" });
  const [output, errors] = await Promise.all([generator.stdout.text(), generator.stderr.text()]);
  if ((await generator.exited) !== 0) throw new Error(`${command.join(" ")}: ${errors.trim() || output.trim()}`);
  return load.connect ? parseAb(output, load) : parseH2load(output, load);
}

function h2load(load: Load, port: number): string[] {
  const headers = load.headers.flatMap((line) => ["-H", line]);
  const { requests, clients, pipelined } = load;
  return ["h2load", "--h1", "-t", "1", "-n", `${requests}`, "-c", `${clients}`, "-m", `${pipelined}`].concat(
    headers,
    load.body === undefined ? [] : ["-d", load.body],
    urls(load, port),
  );
}

function ab(load: Load, port: number): string[] {
  const headers = load.headers.flatMap((line) => ["-H", line]);
  return ["ab", "-q", "-n", `${load.requests}`, "-c", `${load.clients}`].concat(headers, urls(load, port).slice(0, 1));
}

function urls(load: Load, port: number): string[] {
  return load.paths.map((path) => `http${load.tls === true ? "s" : ""}://127.0.0.1:${port}${path}`);
}

/** Reads h2load's summary: `requests: N total, ...`, `status codes: N 2xx, ...` and `finished in 1.23s, ...`. */
export function parseH2load(output: string, load: Load): LoadResult {
  const codes = /status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx/.exec(output);
  const done = /requests: .* (\d+) done/.exec(output);
  const finished = duration(/finished in (\S+),/.exec(output)?.[1]);
  const slowest = duration(/time for request: +\S+ +(\S+)/.exec(output)?.[1]);
  if (codes === null || done === null || Number.isNaN(finished)) throw new Error(`h2load said: ${output.trim()}`);
  const right = load.expects === 0 ? Number(done[1]) : Number(codes[load.expects - 1]);
  return { answered: Number(done[1]), failed: load.requests - right, seconds: finished / 1000, slowest };
}

/** Converts h2load's `224.56ms`, `1.50s` or `3m` to ms; NaN: it is not a time. */
function duration(text = ""): number {
  const [, amount, unit] = /^([\d.]+)(us|ms|s|m)$/.exec(text) ?? [];
  return Number(amount) * { us: 1e-3, ms: 1, s: 1000, m: 60_000 }[(unit ?? "ms") as "us" | "ms" | "s" | "m"];
}

/** Reads ab's summary. A status other than 2xx is an error unless the load expects another class. */
export function parseAb(output: string, load: Load): LoadResult {
  const number = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+([\\d.]+)`, "m").exec(output)?.[1] ?? Number.NaN);
  const answered = number("Complete requests");
  if (Number.isNaN(answered)) throw new Error(`ab said: ${output.trim()}`);
  const other = number("Non-2xx responses") || 0;
  const wrong = load.expects === 2 ? other : load.expects === 0 ? 0 : answered - other;
  return {
    answered,
    failed: number("Failed requests") + wrong + (load.requests - answered),
    seconds: number("Time taken for tests"),
    slowest: Number(/(\d+) \(longest request\)/.exec(output)?.[1] ?? Number.NaN),
  };
}
