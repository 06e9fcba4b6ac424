/** Writes XML. */
import type { XmlElement, XmlName } from "./reader.ts";

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "\r": "&#13;",
};

/** Escapes a text for content and quoted attributes. What XML cannot contain becomes U+FFFD. */
export function xmlText(text: string): string {
  return text
    .toWellFormed()
    .replace(/[&<>"\r]/g, (character) => ENTITIES[character]!)
    .replace(/[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, "\ufffd");
}

const DAV = "DAV:";

/** An element, empty or with `content` (XML), which stands where the prefix D means `DAV:`. */
export function xmlElement({ namespace, local }: XmlName, content = ""): string {
  const [name, declaration] = named(namespace, local);
  return content === "" ? `<${name}${declaration}/>` : `<${name}${declaration}>${content}</${name}>`;
}

/** An element that was read, with all within, likewise. Its attributes stay, but for namespaces' prefixes. */
export function copiedXml(element: XmlElement): string {
  const [name, declaration] = named(element.namespace, element.local);
  const attributes = element.attributes.map(({ namespace, local, value }, i) => {
    if (namespace === "") return ` ${local}="${xmlText(value)}"`;
    const prefix = namespace === "http://www.w3.org/XML/1998/namespace" ? "xml" : `a${i}`;
    const declared = prefix === "xml" ? "" : ` xmlns:${prefix}="${xmlText(namespace)}"`;
    return `${declared} ${prefix}:${local}="${xmlText(value)}"`;
  });
  const content = element.content.map((part) => (typeof part === "string" ? xmlText(part) : copiedXml(part)));
  return `<${name}${declaration}${attributes.join("")}>${content.join("")}</${name}>`;
}

function named(namespace: string, local: string): readonly [name: string, declaration: string] {
  if (namespace === DAV) return [`D:${local}`, ""];
  return namespace === "" ? [local, ' xmlns=""'] : [`x:${local}`, ` xmlns:x="${xmlText(namespace)}"`];
}
