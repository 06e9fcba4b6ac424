/** PROPFIND (RFC 4918 §9.1): the properties of a file or folder, and of what is in the folder. */
import { O_RDONLY } from "../../../../ffi/abi.ts";
import type { FileStatus } from "../../../../ffi/kernel.ts";
import type { Exchange } from "../../../exchange/exchange.ts";
import type { Field } from "../../../exchange/reply.ts";
import type { XmlElement } from "../../../http/xml/reader.ts";
import { openWithin, type SharedFile } from "../../files/open.ts";
import { Folder } from "../../listing/folder.ts";
import { FolderListing } from "../../listing/listing.ts";
import { Failure, failure } from "../../upload/failure.ts";
import { missing } from "../changes/delete.ts";
import { depthOf } from "../fields.ts";
import type { DavLocation } from "../location.ts";
import { END, hrefOf, MULTI_STATUS, replyError, replyMultiStatus, XML_TYPE } from "../replies.ts";
import type { Resource } from "../resource.ts";
import { davElements, elementsOf, isDav } from "../xml-body.ts";
import { readDead } from "./dead.ts";
import { propertiesXml, type Query, type Subject } from "./properties.ts";

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
  const root = resource.store.folder();
  if (root instanceof Failure) return root.reply(exchange);
  const { status, file, filename } = resource;
  const first = propertiesXml(subjectOf(dav, root, { path, isFolder, status, file, filename }), query);
  const place: Field[] = path === resource.path ? [] : [["Content-Location", hrefOf(path)]];
  if (depth === 0 || !isFolder) return replyMultiStatus(exchange, [first], place);
  replyWithMembers(exchange, dav, resource, root, { first, path, query, place });
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

/** What a step of listing properties costs in comparison with a step of listing names. */
const ROW_COST = 2;

/** A file or folder that was found. */
interface Found extends Pick<Subject, "path" | "isFolder" | "status"> {
  /** Relative to the store's folder. */
  readonly file: string;
  readonly filename: string;
}

interface Listed {
  /** The response about the folder itself. */
  readonly first: string;
  readonly path: string;
  readonly query: Query;
  readonly place: readonly Field[];
}

/** Replies about a folder and what is in it, while that is read. */
function replyWithMembers(
  exchange: Exchange,
  dav: DavLocation,
  { store, file, filename }: Resource,
  root: SharedFile,
  listed: Listed,
): void {
  const { kernel, listings } = dav.services;
  const folder = new Folder(kernel, exchange.location, { root: store.path, path: file }, root);
  const fd = folder.open();
  if (fd < 0) return failure(fd, `open() "${filename}"`).reply(exchange);
  const within = file === "." ? "" : `${file}/`;
  const top = filename.endsWith("/") ? filename : `${filename}/`;
  const format = {
    type: XML_TYPE,
    cost: ROW_COST,
    head: () => MULTI_STATUS + listed.first,
    row(name: string, isFolder: boolean, _size: number, _mtime: number, _index: number, status: FileStatus): string {
      const path = `${listed.path}${name}${isFolder ? "/" : ""}`;
      const subject = subjectOf(dav, root, { path, isFolder, status, file: within + name, filename: top + name });
      return propertiesXml(subject, listed.query);
    },
    tail: () => END,
  };
  const body = new FolderListing(exchange, listings, listed.path, folder, fd, format);
  exchange.reply(207, [["Content-Type", XML_TYPE], ...listed.place], body);
}

/** @param root the folder of the store, open as long as the subject is used */
function subjectOf(
  { locks, services, settings }: DavLocation,
  root: SharedFile,
  { path, isFolder, status, file, filename }: Found,
): Subject {
  const { kernel, clock } = services;
  return {
    path,
    isFolder,
    status,
    settings,
    locks: locks === null ? null : locks.count === 0 ? [] : locks.covering(filename, clock.now),
    now: clock.now,
    free: () => kernel.freeSpace(root.fd),
    dead() {
      const fd = openWithin(kernel, root.fd, file, O_RDONLY, settings.symlinks);
      if (fd < 0) return new Map();
      const properties = readDead(kernel, fd);
      kernel.close(fd);
      return properties;
    },
  };
}
