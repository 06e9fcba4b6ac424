/** `compat nginx`: every default that differs on purpose is nginx's, and a file's own directives still count. */
import { describe, expect, test } from "bun:test";
import { DIFFERENCES } from "../../../src/config/directives/core/differences.ts";
import { config } from "./fake-files.ts";
import { hasNginx, inServer, nginxTakes } from "./nginx.ts";

const settingsOf = (text: string) => config(text).servers[0]!.scope.settings;
const server = (directives: string) => `server { listen 80; ${directives} }`;
const { html, gif, jpg } = { html: "text/html", gif: "image/gif", jpg: "image/jpeg" };

const NGINX = {
  dotfiles: "allow",
  symlinks: "follow",
  absoluteRedirect: true,
  types: new Map(Object.entries({ html, gif, jpg })),
  nginxReplies: true,
  autoindexExactSize: true,
  maxRanges: 2 ** 31 - 1,
  clientMinRate: 0,
  sendMinRate: 0,
  openFileCache: null,
  gzipVary: false,
} as const;

describe("compat nginx", () => {
  test("sets all of them", () => {
    expect(settingsOf(`compat nginx; ${server("")}`)).toMatchObject(NGINX);
    expect(Object.keys(NGINX).length).toBe(DIFFERENCES.length);
  });

  test("is not on by itself", () => {
    const here = settingsOf(server(""));
    for (const [name, value] of Object.entries(NGINX)) expect(here[name as keyof typeof NGINX]).not.toEqual(value);
  });

  test("leaves what the file says", () => {
    const here = settingsOf(`compat nginx; dotfiles deny; ${server("types { text/css css; } max_ranges 3;")}`);
    expect(here).toMatchObject({ dotfiles: "deny", symlinks: "follow", maxRanges: 3 });
    expect([...here.types]).toEqual([["css", "text/css"]]);
  });

  test.each(DIFFERENCES.map(({ nginx }) => nginx))("%s does it alone", (nginx) => {
    expect(config(server(nginx)).servers.length).toBe(1);
  });

  /** Those that are nginx's own directives. */
  const OWN = DIFFERENCES.filter(
    ({ nginx }) => !/^(?:dotfiles|symlinks|nginx_replies|client_min_rate|send_min_rate) /.test(nginx),
  );
  test.skipIf(!hasNginx).each(OWN.map(({ nginx }) => nginx))("nginx takes %s", (nginx) => {
    expect(nginxTakes(inServer(nginx))).toBe(true);
  });
});
