/** The target of a redirect by `rewrite`, decoded as nginx decodes it (asked of nginx 1.22). */
import { expect, test } from "bun:test";
import { unescapeRedirect } from "../../../../src/handlers/rewrite/redirect-target.ts";

test.each([
  ["/a", "/a"],
  ["/%41%7a", "/Az"],
  ["/%20%25%7f%80%ff", "/%20%25%7f%80%ff"],
  ["/%26%2F%2b", "/&/+"],
  ["/a?%41", "/a?%41"],
  ["/%41?%41", "/A?%41"],
  ["/%41%3f%41", "/A?%41"],
  ["/%3F?%41", "/??%41"],
  ["/%4/%zz/100%", "/zz/100"],
  ["/%4", "/"],
  ["/%%41", "/%41"],
])("%s: %s", (target, location) => expect(unescapeRedirect(target)).toBe(location));
