/** Who gets JSON and who gets a page (RFC 9110 §12.5.1). */
import { expect, test } from "bun:test";
import { prefersJson } from "../../../src/http/accept.ts";

const rows: [accept: string | undefined, json: boolean, why: string][] = [
  [undefined, false, "no Accept"],
  ["", false, "an empty one"],
  ["*/*", false, "curl takes anything"],
  ["application/*", false, "JSON is not named"],
  ["application/json", true, "JSON alone"],
  ["Application/JSON; charset=utf-8", true, "capitals and parameters"],
  ["application/json, text/plain, */*", true, "axios"],
  ["text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", false, "a browser"],
  ["text/html, application/json", true, "both alike"],
  ["text/html, application/json;q=0.9", false, "the page rather"],
  ["text/html;q=0.5, application/json;q=0.9", true, "JSON rather"],
  ["text/*, application/json;q=0.9", false, "any text rather"],
  ["*/*, application/json;q=0.9", false, "anything else rather"],
  ["application/json;q=0.1, text/html;q=0", true, "anything but a page"],
  ["application/json;q=0", false, "anything but JSON"],
  ["application/json;q=0, text/html;q=0", false, "neither"],
  ["application/json;q=x", false, "a malformed weight counts as unwanted"],
  ["application/jsonp, x/application/json", false, "types of similar names"],
];
for (const [accept, json, why] of rows) {
  test(`${why}: ${accept} gives ${json ? "JSON" : "a page"}`, () => expect(prefersJson(accept)).toBe(json));
}
