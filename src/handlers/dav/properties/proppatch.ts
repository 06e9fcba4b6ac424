/** PROPPATCH (RFC 4918 §9.2): sets and removes properties, all that it names or none. */
import { O_RDONLY } from "../../../../ffi/abi.ts";
import { errnoText } from "../../../../ffi/errno.ts";
import type { Kernel } from "../../../../ffi/kernel.ts";
import type { Exchange } from "../../../exchange/exchange.ts";
import type { XmlElement, XmlName } from "../../../http/xml/reader.ts";
import { copiedXml, xmlElement } from "../../../http/xml/writer.ts";
import { errorStatus } from "../../errors.ts";
import { Failure } from "../../upload/failure.ts";
import { missing } from "../changes/delete.ts";
import type { DavLocation } from "../location.ts";
import { hrefOf, replyMultiStatus } from "../replies.ts";
import type { Resource } from "../resource.ts";
import { davElements, elementsOf, isDav } from "../xml-body.ts";
import { keyOf, readDead, writeDead } from "./dead.ts";
import { isProperty, propstat } from "./properties.ts";

interface Change {
  readonly name: XmlName;
  /** The property's element; null: it is removed. */
  readonly xml: string | null;
}

/** @param document null: the request has none */
export function changeProperties(exchange: Exchange, dav: DavLocation, document: XmlElement | null): void {
  const changes = document === null ? null : changesIn(document);
  if (changes === null) return new Failure(400, "client sent no propertyupdate element", "info").reply(exchange);
  const resource = dav.resource(exchange);
  if (resource instanceof Failure) return resource.reply(exchange);
  const there = resource.look();
  if (typeof there !== "string") return missing(resource, there).reply(exchange);
  if (!dav.permits(exchange, resource, true, [{ resource, what: "write" }])) return;
  const isAllowed = !changes.some(({ name }) => isProperty(name));
  const status = isAllowed ? apply(exchange, dav, resource, changes) : 424;
  const named = (all: readonly Change[]): string[] => all.map(({ name }) => xmlElement(name));
  const live = changes.filter(({ name }) => isProperty(name));
  const other = changes.filter(({ name }) => !isProperty(name));
  const stats = [
    live.length > 0 ? propstat(named(live), 403, "<D:error><D:cannot-modify-protected-property/></D:error>\n") : "",
    other.length > 0 ? propstat(named(other), status) : "",
  ];
  replyMultiStatus(exchange, [
    `<D:response>\n<D:href>${hrefOf(resource.path)}</D:href>\n${stats.join("")}</D:response>\n`,
  ]);
}

/** The changes of a propertyupdate (§14.19), in order; null: it is none. */
function changesIn(document: XmlElement): readonly Change[] | null {
  if (!isDav(document, "propertyupdate")) return null;
  const changes = davElements(document).flatMap((instruction): Change[] => {
    const { local } = instruction;
    if (local !== "set" && local !== "remove") return [];
    const properties = davElements(instruction, "prop").flatMap(elementsOf);
    return properties.map((element) => ({ name: element, xml: local === "set" ? copiedXml(element) : null }));
  });
  return changes.length > 0 ? changes : null;
}

/** Makes the changes. 200, or the status that says why not. */
function apply(exchange: Exchange, { services }: DavLocation, resource: Resource, changes: readonly Change[]): number {
  const { kernel } = services;
  const fd = resource.open(O_RDONLY);
  const n = fd < 0 ? fd : store(kernel, fd, changes);
  if (fd >= 0) kernel.close(fd);
  services.files.changed(); // the change time is a part of some entity tags
  if (n >= 0) return 200;
  exchange.log("error", `setting properties of "${resource.filename}" failed (${errnoText(n)})`);
  return errorStatus(-n, "upload");
}

function store(kernel: Kernel, fd: number, changes: readonly Change[]): number {
  const properties = readDead(kernel, fd);
  for (const { name, xml } of changes) {
    if (xml === null) properties.delete(keyOf(name));
    else properties.set(keyOf(name), { name, xml });
  }
  return writeDead(kernel, fd, properties);
}
