/** Which expressions of nginx files a hostile path could make slow, and which it could not. */
import { expect, test } from "bun:test";
import { weaknessOf } from "../../../src/routing/regex-cost.ts";

test.each([
  /(a+)+$/u,
  /^\/(a|aa)+$/u,
  /^(a?a)+$/u,
  /(\w|\d)+/u,
  /\/(\w|\d)+\.bak$/u,
  /^\/(?:[a-z]+-?)+\.html$/u,
  /^(([a-z])+.)+[A-Z]([a-z])+$/u,
  /([^/]+\/?)*\.php$/u,
  /^\/(\w+\/?)+$/u,
  /(?:[a-z0-9]+[._-]?)*@/u,
  /(x+x+)+y/u,
  /^\/(?:.+\/)+x$/u,
  /(\s|\S)*z/u,
  /^\/(?:a?){30}a{30}$/u,
])("%p is slow", (regex) => expect(weaknessOf(regex)).toBe("slow"));

test.each([/^\/(?!x)(\w|\d)+$/u, /^\/(?:(a|b|\w)\1)*$/u, /(?<!\/)(a+)+$/u])("of %p it may not be known", (regex) => {
  expect(weaknessOf(regex)).toBe("undecided");
});

test.each([
  /\.php$/u,
  /\.(jpg|jpeg|gif|png|css|js|ico|xml)$/iu,
  /^\/images\/(.*)$/u,
  /^\/user\/(\w+)\/(\d+)$/u,
  /^(.+\.php)(\/.+)$/u,
  /^\/(?:index|core\/ajax\/update)\.php(?:$|\/)/u,
  /^\/\.well-known\//u,
  /(^|\/)\./u,
  /^\/~(.+?)(\/.*)?$/u,
  /^\/(?:[^/]+\/)*index\.html$/u,
  /^\/[a-z]{2}\/(.*)$/u,
  /^\/sites\/.*\/private\//u,
  /\.(?:css|js|woff2?|svg|gif|map)$/u,
  /^\/(build|tests|config|lib|3rdparty|templates|data)(?:$|\/)/u,
  /\/wp-content\/uploads\/.*\.php$/u,
  /^\/blog\/([0-9]{4})\/([0-9]{2})\/(.*)$/u,
  /^\/media\/(?<size>\d+x\d+)\/(?<name>.+)$/u,
  /^[^.]+\.php$/u,
  /^\/(?!admin|api)(.*)$/u,
  /^\/(\w+)\/\1$/u,
  /^(?:www\.)?(?<domain>.+)$/iu,
  // Slow for long paths alone, which are matched in another way.
  /^\/(.*)\/(.*)\/(.*)\.php$/u,
])("%p is not", (regex) => expect(weaknessOf(regex)).toBeNull());
