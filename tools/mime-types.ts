/**
 * `bun run tools/mime-types.ts` writes the media types of mime-db as conf/mime.types (nginx's form) and as
 * src/http/mime-types.ts (the built-in table). A test fails when either is not what this script would write.
 */
import json from "mime-db/db.json";

interface Entry {
  readonly compressible?: boolean;
  readonly source?: string;
  readonly extensions?: readonly string[];
}

/** mime-db by media type. */
const database: Readonly<Record<string, Entry>> = json;

const HEADER = "Media types by file name extension, generated from mime-db by tools/mime-types.ts. Do not edit.";

/** Where mime-db's best-registered type is not the one that browsers and people expect. */
const EXPECTED: Readonly<Record<string, string>> = {
  js: "text/javascript",
  mjs: "text/javascript",
  xml: "text/xml",
  mp4: "video/mp4",
  m4a: "audio/mp4",
  mp3: "audio/mpeg",
  ogg: "audio/ogg",
  webm: "video/webm",
  ts: "video/mp2t",
  ico: "image/x-icon",
  bmp: "image/bmp",
  wav: "audio/wav",
  rtf: "application/rtf",
  exe: "application/octet-stream",
  dmg: "application/octet-stream",
  iso: "application/octet-stream",
};

/** Registered by IANA before what servers ship; plain names before vendors', private and experimental ones; short before long. */
function rank(type: string, source: string | undefined): number {
  const [top, subtype] = type.split("/");
  const facet = /^(x-|x\.|prs\.|vnd\.)/.exec(subtype)?.[1] ?? "";
  const plainness = facet === "" ? 400 : facet === "vnd." ? 300 : 100;
  const trust = source === "iana" ? 40 : source === "apache" ? 20 : source === "nginx" ? 10 : 30;
  return plainness + trust + (top === "application" ? 0 : 5) - type.length / 100;
}

/** The media type of each extension. */
function typesByExtension(): Map<string, string> {
  const types = new Map<string, string>();
  for (const [type, entry] of Object.entries(database)) {
    for (const extension of entry.extensions ?? []) {
      const known = types.get(extension);
      if (known === undefined || rank(type, entry.source) > rank(known, database[known].source))
        types.set(extension, type);
    }
  }
  for (const [extension, type] of Object.entries(EXPECTED)) types.set(extension, type);
  return types;
}

/** Lines of a type and its extensions, all in order of the alphabet. */
function table(): [type: string, extensions: string[]][] {
  const byType = Map.groupBy(typesByExtension(), ([, type]) => type);
  const rows = Array.from(byType, ([type, pairs]): [string, string[]] => [
    type,
    pairs.map(([name]) => name).toSorted(),
  ]);
  return rows.toSorted(([a], [b]) => (a < b ? -1 : 1));
}

/** The text of conf/mime.types. */
export function nginxTypes(): string {
  const lines = table().map(([type, extensions]) => `    ${type.padEnd(50)} ${extensions.join(" ")};`);
  return `# ${HEADER}\n\ntypes {\n${lines.join("\n")}\n}\n`;
}

/** The text of src/http/mime-types.ts. */
export function builtInTypes(): string {
  const lines = table().map(([type, extensions]) => `${type} ${extensions.join(" ")}`);
  return `/** ${HEADER} */\nexport const MIME_TYPES = \`\n${lines.join("\n")}\n\`;\n`;
}

if (import.meta.main) {
  const root = Bun.fileURLToPath(new URL("..", import.meta.url));
  await Bun.write(`${root}conf/mime.types`, nginxTypes());
  await Bun.write(`${root}src/http/mime-types.ts`, builtInTypes());
}
