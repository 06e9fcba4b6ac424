/** `bun run bench/parser.ts`: nanoseconds that the request parser needs for a head, after warm-up: for a new head, and for a repeated one. */
import { RequestParser } from "../src/http/request/parser.ts";

const HEADS: Record<string, string> = {
  "h2load's": "GET /index.html HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: h2load nghttp2/1.64.0\r\n\r\n",
  "curl's": "GET /a/b.txt HTTP/1.1\r\nHost: localhost:8080\r\nUser-Agent: curl/8.9.1\r\nAccept: */*\r\n\r\n",
  "a browser's":
    "GET /css/site.css?v=3 HTTP/1.1\r\nHost: www.example.org\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) Firefox/130.0\r\n" +
    "Accept: text/css,*/*;q=0.1\r\nAccept-Language: en\r\nAccept-Encoding: gzip, br\r\nConnection: keep-alive\r\n" +
    'If-None-Match: "65f-1a2b"\r\n\r\n',
};
const ROUNDS = 9;
const REPEATS = 200_000;

const parser = new RequestParser({ line: 8192, field: 8192, total: 32768, fields: 100 });

/** Nanoseconds for one of these heads, taken in turn. */
function measure(heads: readonly Buffer[]): number {
  const begin = Bun.nanoseconds();
  for (let i = 0; i < REPEATS; i++) {
    const bytes = heads[i % heads.length];
    parser.reset();
    if (parser.feed(bytes, 0, bytes.length) !== bytes.length) throw new Error(parser.reason);
  }
  return (Bun.nanoseconds() - begin) / REPEATS;
}

const best = (heads: readonly Buffer[]): string =>
  Math.min(...Array.from({ length: ROUNDS }, () => measure(heads))).toFixed(0);

for (const [name, text] of Object.entries(HEADS)) {
  const bytes = Buffer.from(text, "latin1");
  const other = Buffer.from(text.replace("GET /", "GET /0"), "latin1");
  console.log(`${name} head, ${bytes.length} bytes: ${best([bytes, other])} ns, the same again ${best([bytes])} ns`);
}
