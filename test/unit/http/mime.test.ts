/** Media types: the generated files are current, and the usual extensions have the usual types. */
import { expect, test } from "bun:test";
import { BUILT_IN_TYPES, mediaTypeOf } from "../../../src/http/mime.ts";
import { builtInTypes, nginxTypes } from "../../../tools/mime-types.ts";

const ROOT = Bun.fileURLToPath(new URL("../../../", import.meta.url));

test("conf/mime.types and src/http/mime-types.ts are what tools/mime-types.ts writes", async () => {
  expect(await Bun.file(`${ROOT}conf/mime.types`).text()).toBe(nginxTypes());
  expect(await Bun.file(`${ROOT}src/http/mime-types.ts`).text()).toBe(builtInTypes());
});

test.each([
  ["/index.html", "text/html"],
  ["/a/B.HTM", "text/html"],
  ["/app.js", "text/javascript"],
  ["/app.mjs", "text/javascript"],
  ["/site.css", "text/css"],
  ["/a.json", "application/json"],
  ["/a.min.svg", "image/svg+xml"],
  ["/a.png", "image/png"],
  ["/a.jpeg", "image/jpeg"],
  ["/a.webp", "image/webp"],
  ["/favicon.ico", "image/x-icon"],
  ["/a.woff2", "font/woff2"],
  ["/a.txt", "text/plain"],
  ["/a.xml", "text/xml"],
  ["/a.pdf", "application/pdf"],
  ["/a.wasm", "application/wasm"],
  ["/a.mp4", "video/mp4"],
  ["/a.mp3", "audio/mpeg"],
  ["/a.zip", "application/zip"],
  ["/a.tar.gz", "application/gzip"],
  ["/README", "x/y"],
  ["/a.d/README", "x/y"],
  ["/a.unknown-extension", "x/y"],
  ["/a.", "x/y"],
])("%s is %s", (path, type) => expect(mediaTypeOf(path, BUILT_IN_TYPES, "x/y")).toBe(type));
