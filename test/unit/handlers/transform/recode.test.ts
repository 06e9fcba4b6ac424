/** Conversion of bodies between charsets: as nginx by `charset_map`, and by the runtime's tables. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { recoder } from "../../../../src/handlers/transform/recode.ts";
import { recodingBetween } from "../../../../src/http/charset/recoding.ts";
import { pieces, throughPieces } from "./pieces.ts";

const octets = (text: string): string => Buffer.from(text, "utf8").toString("latin1");
const bytes = (...list: number[]): string => Buffer.from(list).toString("latin1");
const convert = (from: string, to: string, body: string, maps: Parameters<typeof recodingBetween>[2] = []): string =>
  throughPieces(recoder(recodingBetween(from, to, maps)!), [body]);

describe("conversion", () => {
  test.each([
    ["koi8-r", "utf-8", bytes(0xf0, 0xd2, 0x21), octets("Пр!")],
    ["utf-8", "koi8-r", octets("Пр!"), bytes(0xf0, 0xd2, 0x21)],
    ["koi8-r", "windows-1251", bytes(0xf0, 0x80, 0x41), bytes(0xcf, 0x3f, 0x41)],
    ["windows-1252", "utf-8", bytes(0x80), octets("€")],
    ["iso-8859-1", "utf-8", bytes(0x80, 0xe9), octets("\x80é")],
    ["utf-8", "latin1", octets("é€𝄞"), bytes(0xe9) + "&#8364;&#119070;"],
    ["utf-8", "koi8-r", bytes(0xc0, 0x41, 0xff, 0xe2, 0x41, 0x42, 0xd0), "?A??B?"], // as ngx_utf8_decode: what is no continuation goes with the beginning
    ["utf8", "cp1251", octets("ю"), bytes(0xfe)],
  ])("%s to %s: %j", (from, to, body, expected) => {
    expect(convert(from, to, body)).toBe(expected);
    expect(throughPieces(recoder(recodingBetween(from, to, [])!), [...body])).toBe(expected);
  });

  test("between charsets that nobody knows there is none", () => {
    for (const [from, to] of [
      ["x", "utf-8"],
      ["utf-8", "shift_jis"],
      ["koi8-r", "gb18030"],
    ] as const)
      expect(recodingBetween(from, to, [])).toBeNull();
  });

  test("by charset_map, both ways; what it does not name is ?", () => {
    const maps = [
      { from: "mine", to: "utf-8", codes: [{ from: 0x80, to: [0xe2, 0x82, 0xac] }] },
      { from: "mine", to: "other", codes: [{ from: 0xc0, to: [0xe0] }] },
    ];
    expect(convert("mine", "utf-8", bytes(0x41, 0x80, 0x81), maps)).toBe(octets("A€?"));
    expect(convert("utf-8", "mine", octets("A€é"), maps)).toBe(bytes(0x41, 0x80) + "&#233;");
    expect(convert("mine", "other", bytes(0x41, 0xc0, 0xc1), maps)).toBe(bytes(0x41, 0xe0, 0x3f));
    expect(convert("other", "mine", bytes(0x41, 0xe0, 0xc1), maps)).toBe(bytes(0x41, 0xc0, 0x3f));
  });

  test("the pieces do not matter", () => {
    const body = fc.array(
      fc.oneof(fc.constantFrom(..."aдé€𝄞".split(/(?:)/u)).map(octets), fc.constantFrom("\xe2", "\xff", "\x82")),
    );
    fc.assert(
      fc.property(body, fc.infiniteStream(fc.nat(4)), (list, sizes) => {
        const text = list.join("");
        const recoding = recodingBetween("utf-8", "koi8-r", [])!;
        expect(throughPieces(recoder(recoding), pieces(text, sizes))).toBe(throughPieces(recoder(recoding), [text]));
      }),
    );
  });
});
