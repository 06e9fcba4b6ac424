/** Basic credentials (RFC 7617 §2; what nginx 1.22 takes). */
import { expect, test } from "bun:test";
import { basicCredentials } from "../../../src/http/basic.ts";

const encoded = (text: string): string => Buffer.from(text, "latin1").toString("base64");

test.each([
  ["Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Aladdin", "open sesame", "RFC 7617's example"],
  ["basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Aladdin", "open sesame", "the scheme in any case"],
  ["Basic   QWxhZGRpbjpvcGVuIHNlc2FtZQ", "Aladdin", "open sesame", "blanks, no padding"],
  [`Basic ${encoded("a:")}`, "a", "", "no password"],
  [`Basic ${encoded("a:b:c")}`, "a", "b:c", "the first colon ends the user"],
  [`Basic ${encoded("\xc3\xa9:\xff")}`, "\xc3\xa9", "\xff", "octets, whatever they mean"],
])("%p: %p, %p (%s)", (value, user, password) => expect(basicCredentials(value)).toEqual({ user, password }));

test.each([
  ["", "nothing"],
  ["Basic", "no credentials"],
  ["Basic ", "no credentials"],
  ["Bearer QWxhZGRpbjpvcGVu", "another scheme"],
  ["Basicly QWxhZGRpbjpvcGVu", "another scheme"],
  [`Basic ${encoded("user")}`, "no colon"],
  [`Basic ${encoded(":password")}`, "no user"],
  ["Basic QWxh!GRpbjpvcGVu", "not base64"],
  ["Basic QWxhZGRpb=pvcGVu", "padding within"],
  ["Basic YTpiY", "six bits too many"],
])("%p is none (%s)", (value) => expect(basicCredentials(value)).toBeNull());
