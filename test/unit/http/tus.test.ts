/** The fields of tus 1.0: Upload-Length, Upload-Offset, Upload-Metadata. */
import { describe, expect, test } from "bun:test";
import { uploadInteger, uploadMetadata } from "../../../src/http/tus.ts";

describe("Upload-Length and Upload-Offset", () => {
  const rows: [value: string | undefined, number: number | null][] = [
    ["0", 0],
    ["1", 1],
    ["007", 7],
    ["9007199254740991", Number.MAX_SAFE_INTEGER],
    ["0000000000000000000000001", 1],
    ["9007199254740992", null],
    ["9".repeat(400), null],
    ["-1", null],
    ["+1", null],
    ["1.0", null],
    ["1e3", null],
    ["0x10", null],
    [" 1", null],
    ["1, 1", null],
    ["1\n", null],
    ["\u0661", null],
    ["", null],
    [undefined, null],
  ];
  test.each(rows)("%p is %p", (value, number) => expect(uploadInteger(value)).toBe(number));
});

describe("Upload-Metadata", () => {
  const base64 = (text: string) => Buffer.from(text, "utf8").toString("base64");
  const rows: [value: string, metadata: Record<string, string> | null, why: string][] = [
    ["", {}, "none"],
    [`filename ${base64("a b.txt")}`, { filename: "a b.txt" }, "one pair"],
    [`filename ${base64("ü€𝄞")},filetype ${base64("a/b")}`, { filename: "ü€𝄞", filetype: "a/b" }, "two pairs, UTF-8"],
    [
      "filename d29ybGRfZG9taW5hdGlvbl9wbGFuLnBkZg==,is_confidential", // the protocol's own example
      { filename: "world_domination_plan.pdf", is_confidential: "" },
      "a key without a value",
    ],
    ["a YQ==, b Yg==", { a: "a", b: "b" }, "a space behind the comma"],
    ["a ,b YQ==", { a: "", b: "a" }, "an empty value with its space"],
    ["__proto__ YQ==", { ["__proto__"]: "a" }, "a key like any other"],
    ["a /A==", { a: "ü" }, "a value that is no UTF-8 is latin1"],
    ["a +/+/", { a: "û\xff\xbf" }, "the whole alphabet"],
    ["a YQ==,a YQ==", null, "a key twice"],
    ["a YQ==,", null, "an empty pair behind the last"],
    [",a YQ==", null, "an empty pair before the first"],
    ["a  YQ==", null, "two spaces"],
    ["a YQ== ", null, "a space behind the value"],
    ["a YQ== b", null, "three words"],
    [" ", null, "a space for a key"],
    ["\xfc YQ==", null, "a key beyond ASCII"],
    ["a YQ", null, "no padding"],
    ["a YQ=", null, "too little padding"],
    ["a YQ===", null, "too much padding"],
    ["a Y===", null, "six bits are no byte"],
    ["a Y Q==", null, "a space within Base64"],
    ["a _-_-", null, "Base64 for URLs"],
    ["a YQ==YQ==", null, "padding within"],
  ];
  for (const [value, metadata, why] of rows) {
    test(`${why}: ${JSON.stringify(value)}`, () => {
      const read = uploadMetadata(value);
      expect(read && Array.from(read)).toEqual(metadata && Object.entries(metadata));
    });
  }
});
