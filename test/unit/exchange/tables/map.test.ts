import { describe, expect, test } from "bun:test";
import { asking, variablesOf } from "./world.ts";

const x = (value: string) => ({ fields: [`X: ${value}`] });

describe("map", () => {
  const value = variablesOf(`map $http_x $m {
    default none; a small; B capital; "" empty; \\default escaped; \\~x tilde; \\back plain;
    ~^n(?<digits>\\d+)$ "$digits of $request_method"; ~*^IC(.)$ "$1"; ~^C(.)$ second; ~^C first;
  }`);

  for (const [given, expected] of [
    ["a", "small"],
    ["A", "small"],
    ["b", "capital"],
    ["", "empty"],
    ["default", "escaped"],
    ["~x", "tilde"],
    ["back", "plain"],
    ["n42", "42 of GET"],
    ["N42", "none"],
    ["ic7", "7"],
    ["C1", "second"],
    ["C12", "first"],
    ["other", "none"],
  ] as const) {
    test(`"${given}" gives "${expected}"`, () => expect(value("m", x(given))).toBe(expected));
  }

  test("entries may come from files, beside others", () => {
    const files = {
      "conf/one.map": "a 1; # first\n~^(b)$ $1;",
      "conf/more/x.map": "c 3;\n",
      "conf/more/y.map": "default 4;",
    };
    const value = variablesOf("map $http_x $m { include one.map; include more/*.map; d 5; }", files);
    expect(["a", "b", "c", "d", "e"].map((one) => value("m", x(one)))).toEqual(["1", "b", "3", "5", "4"]);
  });

  test("a value without a default is empty", () => {
    expect(variablesOf("map $http_x $m { a b; }")("m", x("c"))).toBe("");
  });

  test("is computed once a request; a volatile one at each use", () => {
    const ask = asking("map $http_x $once { ~(.) $1$status; } map $http_x $often { volatile; ~(.) $1$2; ~b c; }");
    const of = ask(x("ab"));
    expect(of("often")).toBe("a");
    expect(of("once")).toBe(of("once"));
  });

  test("two that need each other end", () => {
    const value = variablesOf("map $b $a { volatile; default 1$b; } map $a $b { volatile; default 2$a; }");
    expect(value("a")).toMatch(/^(12)+$/);
  });

  test("the family's own variable gives way to one that is defined", () => {
    expect(variablesOf("map $http_y $http_x { default mapped; }")("http_x", x("sent"))).toBe("mapped");
  });
});

describe("hostnames", () => {
  const value = variablesOf(`map $http_x $m {
    hostnames;
    default none; example.com exact; *.example.com leading; *.deep.example.com deeper; .both.org both;
    www.* trailing; www.long.* longer; "~^re.*" expression;
  }`);
  for (const [host, expected] of [
    ["example.com", "exact"],
    ["Example.Com.", "exact"],
    ["a.example.com", "leading"],
    ["a.b.example.com", "leading"],
    ["a.deep.example.com", "deeper"],
    ["deep.example.com", "leading"],
    ["xexample.com", "none"],
    [".example.com", "leading"],
    ["both.org", "both"],
    ["a.both.org", "both"],
    ["www.x", "trailing"],
    ["www.example.com", "leading"],
    ["www.long.x", "longer"],
    ["www", "none"],
    ["rex", "expression"],
  ] as const) {
    test(`"${host}" gives "${expected}"`, () => expect(value("m", x(host))).toBe(expected));
  }
});
