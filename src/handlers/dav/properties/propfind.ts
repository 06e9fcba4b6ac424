/** PROPFIND (RFC 4918 §9.1): the properties of a file or folder, and of what is in the folder; and PROPPATCH (§9.2), which changes none. */
import type { FileStatus } from "../../../../ffi/kernel.ts";
import type { Exchange } from "../../../exchange/exchange.ts";
import type { Field } from "../../../exchange/reply.ts";
import type { XmlElement, XmlName } from "../../../http/xml/reader.ts";
import { xmlElement } from "../../../http/xml/writer.ts";
import { Folder } from "../../listing/folder.ts";
import { FolderListing } from "../../listing/listing.ts";
import { Failure } from "../../upload/failure.ts";
import { missing } from "../changes/delete.ts";
import { depthOf } from "../fields.ts";
import type { DavLocation } from "../location.ts";
import { END, hrefOf, MULTI_STATUS, replyError, replyMultiStatus, XML_TYPE } from "../replies.ts";
import type { Resource } from "../resource.ts";
import { davElements, elementsOf, isDav } from "../xml-body.ts";
import { isProperty, propertiesXml, type Query, type Subject, stat } from "./properties.ts";

/** @param document null: all properties are asked for */
export function findProperties(exchange: Exchange, dav: DavLocation, document: XmlElement | null): void {
  const query = document === null ? "all" : queryOf(document);
  // Without Depth, nginx-dav-ext-module takes 0; RFC 4918 means infinity, which it lets a server refuse.
  const depth = depthOf(exchange, 0);
  if (query === null) return new Failure(400, "client sent no propfind element", "info").reply(exchange);
  if (depth instanceof Failure) return depth.reply(exchange);
  if (depth === "infinity") return replyError(exchange, 403, "<D:propfind-finite-depth/>");
  const resource = dav.resource(exchange);
  if (resource instanceof Failure) return resource.reply(exchange);
  const there = resource.look();
  if (typeof there !== "string") return missing(resource, there).reply(exchange);
  const isFolder = there === "folder";
  const path = isFolder && !resource.hasSlash ? `${resource.path}/` : resource.path;
  const subject = subjectOf(dav, resource, path, isFolder, resource.filename, resource.status);
  const first = propertiesXml(subject, query);
  const place: Field[] = path === resource.path ? [] : [["Content-Location", hrefOf(path)]];
  if (depth === 0 || !isFolder) return replyMultiStatus(exchange, [first], place);
  replyWithMembers(exchange, dav, resource, { first, path, query, place });
}

/** What a document asks for; null: it is no propfind (§14.20). */
function queryOf(document: XmlElement): Query | null {
  if (!isDav(document, "propfind")) return null;
  const asked = davElements(document).filter(({ local }) => ["allprop", "propname", "prop"].includes(local));
  if (asked.length !== 1) return null;
  const [element] = asked;
  if (element!.local === "propname") return "names";
  return element!.local === "allprop" ? "all" : elementsOf(element!);
}

interface Listed {
  /** The response about the folder itself. */
  readonly first: string;
  readonly path: string;
  readonly query: Query;
  readonly place: readonly Field[];
}

/** Replies about a folder and what is in it, while that is read. */
function replyWithMembers(exchange: Exchange, dav: DavLocation, resource: Resource, listed: Listed): void {
  const { kernel, listings } = dav.services;
  const { store, file, filename, settings } = resource;
  const root = store.folder();
  if (root instanceof Failure) return root.reply(exchange);
  const folder = new Folder(kernel, exchange.location, { root: store.path, path: file }, root);
  const fd = folder.open();
  if (fd < 0) return resource.failed("open", fd).reply(exchange);
  const top = filename.endsWith("/") ? filename : `${filename}/`;
  const format = {
    type: XML_TYPE,
    head: () => MULTI_STATUS + listed.first,
    row(name: string, isFolder: boolean, _size: number, _mtime: number, _index: number, status: FileStatus): string {
      const path = `${listed.path}${name}${isFolder ? "/" : ""}`;
      return propertiesXml(subjectOf(dav, { settings, store }, path, isFolder, top + name, status), listed.query);
    },
    tail: () => END,
  };
  const body = new FolderListing(exchange, listings, listed.path, folder, fd, format);
  exchange.reply(207, [["Content-Type", XML_TYPE], ...listed.place], body);
}

function subjectOf(
  { locks, services }: DavLocation,
  { settings, store }: Pick<Resource, "settings" | "store">,
  path: string,
  isFolder: boolean,
  filename: string,
  status: FileStatus,
): Subject {
  const { kernel, clock } = services;
  const free = (): number => {
    const root = store.folder();
    return root instanceof Failure ? -1 : kernel.freeSpace(root.fd);
  };
  return {
    path,
    isFolder,
    status,
    settings,
    locks: locks === null ? null : locks.covering(filename, clock.now),
    now: clock.now,
    free,
  };
}

/** Replies that none of the properties can be set or removed: 403 for each, and with it what the client then may do without. */
export function changeProperties(exchange: Exchange, dav: DavLocation, document: XmlElement | null): void {
  const names = document === null ? null : changedNames(document);
  if (names === null) return new Failure(400, "client sent no propertyupdate element", "info").reply(exchange);
  const resource = dav.resource(exchange);
  if (resource instanceof Failure) return resource.reply(exchange);
  const there = resource.look();
  if (typeof there !== "string") return missing(resource, there).reply(exchange);
  if (!dav.permits(exchange, resource, true, [{ resource, what: "write" }])) return;
  const live = names.filter(isProperty).map((name) => xmlElement(name));
  const dead = names.filter((name) => !isProperty(name)).map((name) => xmlElement(name));
  const stats = [
    live.length > 0 ? stat(live, 403, "<D:error><D:cannot-modify-protected-property/></D:error>\n") : "",
    dead.length > 0 ? stat(dead, 403) : "",
  ];
  replyMultiStatus(exchange, [
    `<D:response>\n<D:href>${hrefOf(resource.path)}</D:href>\n${stats.join("")}</D:response>\n`,
  ]);
}

/** The properties that a propertyupdate (§14.19) names; null: it is none. */
function changedNames(document: XmlElement): readonly XmlName[] | null {
  if (!isDav(document, "propertyupdate")) return null;
  const changes = davElements(document).filter(({ local }) => local === "set" || local === "remove");
  const names = changes.flatMap((change) => davElements(change, "prop")).flatMap(elementsOf);
  return names.length > 0 ? names : null;
}
