/** Issue 3: multipart/form-data, its delimiters, the heads of its parts and the names in them. */
import { describe, expect, test } from "bun:test";
import { boundaryOf, MultipartParser, PART_BEGIN, PART_DATA } from "../../../src/http/body/multipart.ts";
import { octets } from "../../../src/http/octets.ts";
import { accepts, cutOff, refuses } from "./forms.ts";

const FIELD = 'Content-Disposition: form-data; name="a"\r\n\r\n';
const A = (data: string) => [{ name: "a", data }];
/** A form of one part with this data. */
const form = (data: string) => `--b\r\n${FIELD}${data}\r\n--b--\r\n`;
/** A form of one part with this head. */
const headed = (head: string) => `--b\r\n${head}\r\n\r\ndata\r\n--b--\r\n`;
const disposed = (parameters: string) => headed(`Content-Disposition: form-data; name="a"${parameters}`);

describe("delimiters (RFC 2046 §5.1.1)", () => {
  accepts(form("data"), A("data"), "one field");
  accepts(form(""), A(""), "an empty part");
  accepts(`--b\r\n${FIELD}--b--`, A(""), "no body at all: the head's last line end belongs to the delimiter");
  accepts("--b--", [], "a form without fields");
  accepts("\r\n--b--\r\n", [], "an empty preamble");
  accepts(`--b\r\n${FIELD}1\r\n--b\r\n${FIELD}2\r\n--b--`, [...A("1"), ...A("2")], "two parts of one name");
  accepts(`preamble --b\r\n --b\r\n${form("data")}`, A("data"), "a preamble is skipped");
  accepts(`\r\n\r\n-\r\n--\r\n${form("data")}`, A("data"), "a preamble of near-delimiters");
  accepts(`${form("data")}--b\r\nContent-Disposition: nonsense\r\n--b--`, A("data"), "an epilogue is skipped");
  accepts(form("data").trimEnd(), A("data"), "no line end behind the closing delimiter");
  accepts(`--b \t \r\n${FIELD}data\r\n--b\t\r\n${FIELD}\r\n--b--  \r\n`, [...A("data"), ...A("")], "transport padding");
  refuses(`--b x\r\n${FIELD}`, "not followed by CRLF", "something behind transport padding");
  refuses(`--bx\r\n${FIELD}`, "not followed by CRLF", "a line that only begins with the boundary");
  refuses(`${form("data").slice(0, -4)}-x`, "closing delimiter", "one dash behind a delimiter");
  refuses(`--b \rx${FIELD}`, "CR without LF", "a bare CR behind a delimiter");
  refuses(`--b\n${FIELD}`, "not followed by CRLF", "a bare LF behind a delimiter");
  cutOff("", "nothing");
  cutOff("data without any delimiter\r\n", "preamble only");
  cutOff(" --b--\r\n", "the first delimiter does not begin its line");
  cutOff(`--b\r\n${FIELD}data`, "no delimiter behind the data");
  cutOff(`--b\r\n${FIELD}data\r\n--b`, "the last delimiter does not close");
  cutOff(`--b\r\n${FIELD}data\r\n--b\r\n`, "another part is announced");
  cutOff(`--b\r\n${FIELD}data\r\n--b-`, "one dash short");
  cutOff(`--b\r\n${FIELD}data\n--b--\r\n`, "a bare LF before the boundary makes no delimiter");
  cutOff(`--b\r\n${FIELD}data\r--b--\r\n`, "nor does a bare CR");
});

describe("data is kept to the last byte", () => {
  const near = [
    ...[
      "\r",
      "\n",
      "\r\n",
      "\r\n\r\n",
      "\r\n-",
      "\r\n--",
      "\r\n\r\n--",
      "\r\r\n-\r\n--a",
      "-",
      "--",
      "\r\n-b",
      "\n--b",
    ],
    ...["--b-", "x--b", "x--b--\r\n", "\r\n --b", "\r\n--\r\n-\r\nb", "\r--b", "\n--b--", "\r\n--B", "\0\xff\r\n\0"],
  ].filter((data) => !data.startsWith("--b"));
  for (const data of near) accepts(form(data), A(data), "what looks like a delimiter");
  const boundary = "----WebKitFormBoundaryAbCdEfGhIjKlMnOp";
  const data = [1, 8, 20, 41].map((length) => `\r\n--${boundary}`.slice(0, length)).join("");
  accepts(form(data).replaceAll("--b", `--${boundary}`), A(data), "beginnings of a long delimiter", boundary);
  const longest = `${"=".repeat(35)}${"- ".repeat(17)}?`;
  accepts(form("data").replaceAll("--b", `--${longest}`), A("data"), "a boundary of 70 characters", longest);
  accepts(form("--\r\n--").replaceAll("--b", "----"), A("--\r\n--"), "a boundary of dashes", "--".slice(0, 2));
});

describe("the head of a part", () => {
  accepts(headed('content-DISPOSITION:FORM-DATA;NAME="a"'), A("data"), "names without regard to capitals");
  accepts(headed("Content-Disposition: form-data; name=a"), A("data"), "a token needs no quotes");
  accepts(headed("Content-Disposition: form-data ;\tname=a ; ; x=y;"), A("data"), "space, empty and other parameters");
  accepts(headed('X: y\r\nContent-Disposition: form-data; name=""'), [{ name: "", data: "data" }], "an empty name");
  const typed = [{ name: "a", type: "text/plain; charset=x", data: "data" }];
  accepts(disposed("\r\nContent-Type:  text/plain; charset=x \t"), typed, "Content-Type");
  for (const coding of ["7bit", "8bit", "BINARY"]) {
    accepts(disposed(`\r\nContent-Transfer-Encoding: ${coding}`), A("data"), "an encoding that changes nothing");
  }
  refuses(disposed("\r\nContent-Transfer-Encoding: base64"), "transfer encoding", "RFC 7578 §4.7");
  refuses(`--b\r\n\r\ndata\r\n--b--`, "without Content-Disposition", "an empty head");
  refuses(headed("Content-Type: text/plain"), "without Content-Disposition", "RFC 7578 §4.2");
  refuses(headed('Content-Disposition: attachment; name="a"'), "form-data", "RFC 7578 §4.2");
  refuses(headed("Content-Disposition: form-data"), "without a name", "RFC 7578 §4.2");
  refuses(headed('Content-Disposition: form-data; filename="a"'), "without a name", "a file needs a name too");
  refuses(disposed("; name=b"), "well-formed", "two names");
  refuses(disposed("; filename=b; FileName=c"), "well-formed", "two file names");
  refuses(disposed("\r\nContent-Disposition: form-data; name=b"), "more than one", "two Content-Dispositions");
  refuses(disposed("\r\nContent-Type: a/b\r\nContent-Type: a/b"), "more than one", "two Content-Types");
  refuses(disposed("\r\nContent-Transfer-Encoding: 8bit".repeat(2)), "more than one", "two encodings");
  refuses(disposed("; filename"), "well-formed", "a parameter without a value");
  refuses(disposed("; filename="), "well-formed", "an empty value without quotes");
  refuses(disposed("; filename=a b"), "well-formed", "two words without quotes");
  refuses(disposed('; filename="a" b'), "well-formed", "something behind the quotes");
  refuses(disposed('; filename="a'), "well-formed", "no closing quote");
  refuses(disposed('; filename=a"b"'), "well-formed", "a quote within a token");
  refuses(disposed("; =a"), "well-formed", "a parameter without a name");
  refuses(disposed("; file name=a"), "well-formed", "a space in a parameter's name");
  refuses(disposed("; filename =a"), "well-formed", "a space before the equals sign");
  refuses(disposed("\nX: y"), "LF without CR", "a bare LF");
  refuses(disposed("\rX: y"), "CR without LF", "a bare CR");
  refuses(disposed('; filename="a\0.txt"'), "NUL", "NUL");
  refuses(disposed("\r\n  folded"), "not well-formed", "a folded line that makes no sense");
  const folded = 'Content-Disposition: form-data;\r\n\tname="a"\r\n';
  accepts(headed(`${folded}X: y\r\n `), A("data"), "a folded line (RFC 5322 §2.2.3)");
  refuses(headed(` ${folded}`), "malformed field line", "a fold of no line");
  refuses(disposed("\r\nno colon"), "malformed field line", "no colon");
  refuses(disposed("\r\nabc: y\r\nabc"), "malformed field line", "no colon where the line before had one");
  refuses(disposed("\r\n: x"), "malformed field line", "no field name");
  refuses(disposed("\r\nX : x"), "malformed field line", "a space before the colon");
  refuses(`--b\r\n--b--\r\n\r\n`, "malformed field line", "a delimiter where a head should be");
  accepts(disposed("\r\nX: y".repeat(15)), A("data"), "16 fields");
  refuses(disposed("\r\nX: y".repeat(16)), "too many fields", "17 fields");
  const many = (head: string, count: number) => headed(head).slice(0, -7).repeat(count) + "--b--";
  const thrice = 'Content-Disposition: form-data; name="a"' + "\r\nX: y".repeat(9);
  accepts(many(thrice, 3), [...A("data"), ...A("data"), ...A("data")], "the fields of each part count alone");
  const fill = 8192 - `Content-Disposition: form-data; name="a"\r\nX: \r\n\r\n`.length;
  accepts(disposed(`\r\nX: ${"y".repeat(fill)}`), A("data"), "8 KB");
  const long = `Content-Disposition: form-data; name="a"\r\nX: ${"y".repeat(5000)}`;
  accepts(many(long, 2), [...A("data"), ...A("data")], "the bytes of each part's head count alone");
  refuses(disposed(`\r\nX: ${"y".repeat(fill + 1)}`), "too long", "8 KB and a byte");
});

describe("file names", () => {
  const named = (parameters: string, filename: string | null, why: string) =>
    accepts(disposed(octets(parameters)), [{ name: "a", filename, data: "data" }], why);
  named("", null, "a field");
  named('; filename=""', "", "no file was chosen");
  named('; filename="a b;c=d.txt"', "a b;c=d.txt", "anything between quotes");
  named("; filename=a'b%41.txt", "a'b%41.txt", "a token as it is");
  named(
    '; filename="%22a%22%0D%0a%41%%2"',
    '"a"\r\n%41%%2',
    "browsers: quote and line ends in percent, the rest as it is",
  );
  named('; filename="\\"a\\\\b\\""', '"a\\b"', "curl of old: backslashes before quotes and backslashes");
  named('; filename="C:\\dir\\file.txt"', "C:\\dir\\file.txt", "Internet Explorer: a path");
  named('; filename="\\\\server\\share\\f"', "\\server\\share\\f", "two backslashes are one");
  named('; filename="a\\"', "a\\", "a backslash at the end of a browser's name");
  named('; filename="a\\"; x=y', "a\\", "the same, with more behind it");
  named('; filename="ü€𝄞.txt"', "ü€𝄞.txt", "UTF-8");
  named('; filename="a\tb"', "a\tb", "a tab");
  named('; filename="\x01\x07\x1b\x7f"', "\x01\x07\x1b\x7f", "control characters: names are not judged here");
  accepts(
    disposed('; filename="\xfc\xa0"').replace('name="a"', 'name="\xe4"'),
    [{ name: "ä", filename: "ü\xa0", data: "data" }],
    "what is no UTF-8 is latin1",
  );
  named("; filename*=UTF-8''%e2%82%ac%20rates.txt", "€ rates.txt", "RFC 8187's example, as a file name");
  named("; filename*=iso-8859-1'en'%A3%20rates", "£ rates", "RFC 8187's other example");
  named("; filename*=utf-8''", "", "an empty one");
  named("; filename=\"EURO rates\"; filename*=utf-8''%e2%82%ac%20rates", "€ rates", "filename* wins behind filename");
  named("; filename*=utf-8''%e2%82%ac%20rates; filename=\"EURO rates\"", "€ rates", "filename* wins before filename");
  for (const bad of ["a", "utf-8'a", "utf-16''a", "UTF-8''%", "UTF-8''%4", "UTF-8''%gg", "UTF-8''%ff", "UTF-8''a/b"]) {
    named(`; filename*=${bad}; filename=b`, "b", "a malformed ext-value beside a filename");
    refuses(disposed(`; filename*=${bad}`), "filename*", "a malformed ext-value alone");
  }
});

describe("boundaryOf", () => {
  const legal = "0123456789'()+_,-./:=?ABCxyz";
  const rows: [contentType: string, boundary: string | null][] = [
    ["multipart/form-data; boundary=b", "b"],
    ["MULTIPART/Form-Data;charset=x; BOUNDARY=AbC ", "AbC"],
    ['multipart/form-data; boundary="b"', "b"],
    ['multipart/form-data; boundary="a b"', "a b"],
    [`multipart/form-data; boundary="${legal}"`, legal],
    [`multipart/form-data; boundary=${legal}`, legal],
    [`multipart/form-data; boundary=${"b".repeat(70)}`, "b".repeat(70)],
    [`multipart/form-data; boundary=${"b".repeat(71)}`, null],
    ['multipart/form-data; boundary="b "', null],
    ['multipart/form-data; boundary=" "', null],
    ['multipart/form-data; boundary=""', null],
    ["multipart/form-data; boundary=", null],
    ["multipart/form-data; boundary", null],
    ["multipart/form-data", null],
    ["multipart/form-data; boundary=a; boundary=a", null],
    ["multipart/form-data; boundary=a b", null],
    ["multipart/form-data; boundary=a*b", null],
    ['multipart/form-data; boundary="a\\"b"', null],
    ['multipart/form-data; boundary="a\r\nb"', null],
    ["multipart/form-data; boundary=ü", null],
    ["multipart/form-data, boundary=b", null],
    ["multipart/mixed; boundary=b", null],
    ["application/x-www-form-urlencoded", null],
    ["", null],
  ];
  test.each(rows)("%p gives %p", (contentType, boundary) => expect(boundaryOf(contentType)).toBe(boundary));
});

test("what cannot begin a delimiter is given at once, and not copied", () => {
  const parser = new MultipartParser("b");
  const head = Buffer.from(`--b\r\n${FIELD}`);
  expect(parser.next(head, 0, head.length)).toBe(PART_BEGIN);
  const data = Buffer.from("data\r\n-");
  expect(parser.next(data, 0, data.length)).toBe(PART_DATA);
  expect(parser.bytes).toBe(data);
  expect([parser.dataStart, parser.dataEnd, parser.position]).toEqual([0, 4, 7]);
  expect(parser.next(data, 7, 7)).toBe(0);
  const more = Buffer.from("x");
  expect(parser.next(more, 0, 1)).toBe(PART_DATA);
  expect(parser.bytes.latin1Slice(parser.dataStart, parser.dataEnd)).toBe("\r\n-");
  expect(parser.next(more, parser.position, 1)).toBe(PART_DATA);
  expect(parser.bytes).toBe(more);
});
