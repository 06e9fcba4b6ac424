/** The XML of WebDAV: what is well-formed is read with its namespaces, the rest is refused, and what is written is read back. */
import { describe, expect, test } from "bun:test";
import { readXml, type XmlElement } from "../../../src/http/xml/reader.ts";
import { copiedXml, xmlElement, xmlText } from "../../../src/http/xml/writer.ts";

const inDav = (xml: string): string => `<D:x xmlns:D="DAV:">${xml}</D:x>`;

/** The document as it is copied; null: refused. */
function copied(text: string | Buffer): string | null {
  const root = readXml(Buffer.from(text as string));
  return typeof root === "string" ? null : copiedXml(root);
}

test.each([
  ["<a/>", '<a xmlns=""></a>'],
  ['\ufeff<?xml version="1.0" encoding=\'UTF-8\' standalone="yes"?>\n<!-- c --><a/><?pi x?>\n', '<a xmlns=""></a>'],
  ['<d:a xmlns:d="DAV:"><d:b>t</d:b></d:a>', "<D:a><D:b>t</D:b></D:a>"],
  ['<a xmlns="DAV:"><b xmlns=""><c/></b></a>', '<D:a><b xmlns=""><c xmlns=""></c></b></D:a>'],
  [
    '<a xmlns:p="urn:1"><p:b xmlns:p="urn:2"/><p:b/></a>',
    '<a xmlns=""><x:b xmlns:x="urn:2"></x:b><x:b xmlns:x="urn:1"></x:b></a>',
  ],
  ["<a>&lt;&gt;&amp;&quot;&apos;&#65;&#x1F600;</a>", '<a xmlns="">&lt;&gt;&amp;&quot;\'A\u{1F600}</a>'],
  ["<a><![CDATA[<b>&amp;]]></a>", '<a xmlns="">&lt;b&gt;&amp;amp;</a>'],
  ["<a>x<!-- y -->z<?q r?></a>", '<a xmlns="">xz</a>'],
  ["<a>x\r\ny\rz</a>", '<a xmlns="">x\ny\nz</a>'],
  ["<a b='1' c=\"x\ty\"/>", '<a xmlns="" b="1" c="x y"></a>'],
  ['<a xml:lang="de"/>', '<a xmlns="" xml:lang="de"></a>'],
  ['<a z:b="1" xmlns:z="urn:z"/>', '<a xmlns="" xmlns:a0="urn:z" a0:b="1"></a>'],
  ["<\u00e4.-1\u0300 />", '<\u00e4.-1\u0300 xmlns=""></\u00e4.-1\u0300>'],
])("%s", (text, result) => {
  expect(copied(text)).toBe(result);
  expect(copied(inDav(result))).toBe(`<D:x>${result}</D:x>`);
});

describe("refused", () => {
  test.each([
    "",
    " ",
    "a",
    "<a",
    "<a>",
    "<a></b>",
    "<a></ab>",
    "<a/><b/>",
    "<a/>x",
    "x<a/>",
    "<a b/>",
    "<a b=1/>",
    '<a b="1"c="2"/>',
    '<a b="<"/>',
    '<a b="1" b="2"/>',
    "<a>&b;</a>",
    "<a>&</a>",
    "<a>&#0;</a>",
    "<a>&#xD800;</a>",
    "<a>&#x110000;</a>",
    "<a>&amp</a>",
    "<a>]]></a>",
    "<a><![CDATA[x</a>",
    "<!DOCTYPE a><a/>",
    '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
    "<!-- a -- b --><a/>",
    "<!-- a",
    "<?xml?><a/>",
    '<a/><?xml version="1.0"?>',
    ' <?xml version="1.0"?><a/>',
    '<?xml version="1.0" encoding="utf-16"?><a/>',
    '<?xml version="1.0" encoding="latin1"?><a/>',
    "<p:a/>",
    '<a p:b="1"/>',
    '<a xmlns:p=""/>',
    '<a xmlns:xmlns="urn:x"/>',
    '<a xmlns:p="http://www.w3.org/2000/xmlns/"/>',
    '<a xmlns:xml="urn:x"/>',
    "<xmlns:a/>",
    '<a xmlns:p="urn:1" xmlns:q="urn:1" p:b="" q:b=""/>',
    "<a:b:c xmlns:a='urn:x'/>",
    "<1/>",
    "<-a/>",
    "<a>\u0001</a>",
    "<a>\uffff</a>",
    `${"<a>".repeat(33)}${"</a>".repeat(33)}`,
    `<a>${"<b/>".repeat(2_000)}</a>`,
  ])("%s", (text) => expect(copied(text)).toBeNull());
  test("what is not UTF-8", () => expect(copied(Buffer.from("<a>\xe4</a>", "latin1"))).toBeNull());
  test("with the reason and the place", () =>
    expect(readXml(Buffer.from("<a><b></a>"))).toBe("no end of the element b (at character 6)"));
});

test("a document cut anywhere is refused", () => {
  const text = '<?xml version="1.0"?><D:a xmlns:D="DAV:"><!-- c --><b x="1">t&amp;<![CDATA[u]]></b></D:a>';
  expect(copied(text)).not.toBeNull();
  for (let end = 0; end < text.length; end++) expect([end, copied(text.slice(0, end))]).toEqual([end, null]);
});

test("texts and names are written so that they are read back", () => {
  for (const text of ["<&>\"'", "\r\n\t", "]]>", "\u{1F600}ü"]) {
    const root = readXml(
      Buffer.from(inDav(`<D:y z="${xmlText(text).replace(/[\t\n]/g, " ")}">${xmlText(text)}</D:y>`)),
    );
    expect(typeof root !== "string" && (root.content[0] as XmlElement).content[0]).toBe(text);
  }
  expect(xmlText("\u0000\u001f\ud800\ufffe")).toBe("\ufffd\ufffd\ufffd\ufffd");
  expect(xmlElement({ namespace: 'urn:"&', local: "a" }, "x")).toBe('<x:a xmlns:x="urn:&quot;&amp;">x</x:a>');
  expect([xmlElement({ namespace: "DAV:", local: "a" }), xmlElement({ namespace: "", local: "a" })]).toEqual([
    "<D:a/>",
    '<a xmlns=""/>',
  ]);
});
