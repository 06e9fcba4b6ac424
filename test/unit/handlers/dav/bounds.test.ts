/** What belongs to another location, too, is changed only if that one would take it from this client. */
import { afterEach, expect, test } from "bun:test";
import type { Location, Settings } from "../../../../src/config/model.ts";
import { DAV_METHODS } from "../../../../src/config/settings/dav.ts";
import { location, template } from "../world.ts";
import { DavWorld, MANAGED } from "./dav-world.ts";

let world: DavWorld;
afterEach(() => expect(world.end()).toBe(0));

const DENY: Partial<Settings> = { access: [{ allow: false, match: "all" }] };
const DAV: Partial<Settings> = { davMethods: DAV_METHODS };
const REALM = { authBasic: template("realm"), authUserFile: template("/users") };

/** `/d/` changes files; in it is another location at `/d/in/`, with these settings, or one for an expression. */
function make(inner: Partial<Settings>, regex: RegExp | null = null): void {
  world = new DavWorld({ "d/a.php": "a", "d/b/x": "x", "d/in/secret": "s", "else/y": "y" }, MANAGED, "/d/");
  const nested: Location = { ...location({ root: template(world.site.root), ...inner }, "/d/in/"), regex };
  (world.location as { locations: readonly Location[] }).locations = [nested];
  world.locations = [world.location];
}

type Row = readonly [method: string, target: string, destination: string, status: number];
const INTO: readonly Row[] = [
  ["COPY", "/d/a.php", "/d/in/n", 403],
  ["MOVE", "/d/a.php", "/d/in/n", 403],
  ["COPY", "/d/b/", "/d/in/n/", 403],
];
const WITH: readonly Row[] = [
  ["COPY", "/d/", "/d/c/", 403],
  ["DELETE", "/d/in", "", 403],
  ["COPY", "/d/b/", "/d/in/", 403],
];

test.each<[string, Partial<Settings>, readonly Row[]]>([
  ["has no dav_methods", {}, INTO],
  ["denies access", { ...DAV, ...DENY }, INTO],
  ["has other files", { ...DAV, root: template("/elsewhere") }, INTO],
  ["is internal", { ...DAV, internal: true }, INTO],
  ["asks for a password", { ...DAV, ...REALM }, INTO],
  ["passes on", { ...DAV, pass: { to: "" } as never }, INTO],
  [
    "takes it",
    DAV,
    INTO.map(([method, target, destination]) => [method, target, destination, target.endsWith("/") ? 201 : 204]),
  ],
])("a destination in a location that %s", (_, inner, rows) => {
  for (const [method, target, destination, status] of rows) {
    make(inner);
    const exchange = world.ask(method, target, { fields: [`Destination: ${destination}`] });
    expect([method, target, exchange.status]).toEqual([method, target, status]);
    expect(world.end()).toBe(0);
  }
  make({});
});

test.each(WITH)(
  "a folder with a location in it that denies access: %s %s %s is %i",
  (method, target, destination, status) => {
    make({ ...DAV, ...DENY });
    const fields = destination === "" ? [] : [`Destination: ${destination}`];
    expect(world.ask(method, target, { fields }).status).toBe(status);
    expect(world.files["d/in/secret"]).toBe("s");
  },
);

test("a folder with a location in it that takes changes, too, or has other files", () => {
  for (const inner of [DAV, { root: template("/elsewhere") }]) {
    make(inner);
    expect(world.ask("COPY", "/d/b/", { fields: ["Destination: /d/c/"] }).status).toBe(201);
    expect(world.ask("DELETE", "/d/b/").status).toBe(204);
    expect(world.end()).toBe(0);
  }
  make({});
});

test("a file does not become a program by its name", () => {
  make({}, /\.php$/);
  expect(world.ask("MOVE", "/d/b/x", { fields: ["Destination: /d/b/x.php"] }).status).toBe(403);
  expect(world.ask("COPY", "/d/b/x", { fields: ["Destination: /d/b/y"] }).status).toBe(204);
});

test("a destination outside of the location is another's", () => {
  make({});
  const other = { ...location({ root: template(world.site.root) }, "/"), locations: [] };
  world.locations = [other, world.location];
  for (const destination of ["/else/n", "/d"]) {
    expect(world.ask("COPY", "/d/b/x", { fields: [`Destination: ${destination}`] }).status).toBe(403);
  }
});
