/** The properties of files and folders: live ones (RFC 4918 §15, RFC 4331), computed when they are asked for, and those that clients have set. */
import type { FileStatus } from "../../../../ffi/kernel.ts";
import type { Settings } from "../../../config/model.ts";
import { formatDate } from "../../../http/reply/date.ts";
import type { XmlName } from "../../../http/xml/reader.ts";
import { xmlElement, xmlText } from "../../../http/xml/writer.ts";
import { mediaType } from "../../files/content-type.ts";
import { etagOf } from "../../files/file-reply.ts";
import type { Lock } from "../locks/lock-table.ts";
import { activeLocks, SUPPORTED_LOCKS } from "../locks/lock-xml.ts";
import { hrefOf, statusXml } from "../replies.ts";
import { type DeadProperties, keyOf } from "./dead.ts";

/** What a PROPFIND asks for: all properties that are usual, their names, or these. */
export type Query = "all" | "names" | readonly XmlName[];

/** A file or folder. */
export interface Subject {
  /** The URI's path, decoded; a folder's ends with a slash. */
  readonly path: string;
  readonly isFolder: boolean;
  readonly status: FileStatus;
  readonly settings: Settings;
  /** The locks that cover it; null: there are none in this location. */
  readonly locks: readonly Lock[] | null;
  /** Monotonic ms. */
  readonly now: number;
  /** Bytes that the file system has free, or -errno. */
  free(): number;
  /** What clients have set. */
  dead(): DeadProperties;
}

/** The value of a property as XML, or null where it has none. */
type Property = (subject: Subject) => string | null;

const PROPERTIES: Readonly<Record<string, Property>> = {
  displayname: ({ path }) => xmlText(path.slice(path.lastIndexOf("/", path.length - 2) + 1).replace(/\/$/, "") || "/"),
  getcontentlength: ({ isFolder, status }) => (isFolder ? null : String(status.size)),
  getcontenttype: ({ isFolder, settings, path }) => (isFolder ? null : xmlText(mediaType(settings, path))),
  getetag: ({ isFolder, settings, status }) => (isFolder || !settings.etag ? null : xmlText(etagOf(status))),
  getlastmodified: ({ status }) => formatDate(status.mtimeSeconds),
  resourcetype: ({ isFolder }) => (isFolder ? "<D:collection/>" : ""),
  lockdiscovery: ({ locks, now }) => (locks === null ? null : activeLocks(locks, now)),
  supportedlock: ({ locks }) => (locks === null ? null : SUPPORTED_LOCKS),
};

/** Only for who asks for them by name. */
const RARE: Readonly<Record<string, Property>> = {
  "quota-available-bytes": ({ isFolder, free }) => {
    const bytes = isFolder ? free() : -1;
    return bytes < 0 ? null : String(bytes);
  },
};

/** Whether the server itself has a property of this name for some files: clients cannot set it. */
export const isProperty = ({ namespace, local }: XmlName): boolean =>
  namespace === "DAV:" && (Object.hasOwn(PROPERTIES, local) || Object.hasOwn(RARE, local));

/** The response about one file or folder. */
export function propertiesXml(subject: Subject, query: Query): string {
  const found: string[] = [];
  const missing: string[] = [];
  if (typeof query !== "string") {
    const dead = query.every(isProperty) ? null : subject.dead();
    for (const name of query) {
      const xml = isProperty(name) ? liveXml(subject, name) : dead?.get(keyOf(name))?.xml;
      if (xml === undefined) missing.push(xmlElement(name));
      else found.push(xml);
    }
  } else {
    for (const [local, property] of Object.entries(PROPERTIES)) {
      const value = property(subject);
      if (value !== null) found.push(xmlElement({ namespace: "DAV:", local }, query === "all" ? value : ""));
    }
    for (const { name, xml } of subject.dead().values()) found.push(query === "all" ? xml : xmlElement(name));
  }
  const stats = [
    found.length > 0 || missing.length === 0 ? propstat(found, 200) : "",
    missing.length > 0 ? propstat(missing, 404) : "",
  ];
  return `<D:response>\n<D:href>${hrefOf(subject.path)}</D:href>\n${stats.join("")}</D:response>\n`;
}

function liveXml(subject: Subject, name: XmlName): string | undefined {
  const value = (PROPERTIES[name.local] ?? RARE[name.local]!)(subject);
  return value === null ? undefined : xmlElement(name, value);
}

/** A propstat (RFC 4918 §14.22): properties with the same status. */
export const propstat = (properties: readonly string[], status: number, more = ""): string =>
  `<D:propstat>\n<D:prop>${properties.join("")}</D:prop>\n${statusXml(status)}\n${more}</D:propstat>\n`;
