/** The frame of the pages that the server makes of nothing but a title and a few lines: complete, small, readable in light and dark. */

/** @param body declarations for the style of `body`; @param content HTML behind the heading, with a line end */
export function smallPage(title: string, body: string, content: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title}</title>
<style>
:root { color-scheme: light dark; font: 1.1rem/1.5 system-ui, sans-serif }
body { ${body} }
h1 { font-weight: 500 }
</style>
<h1>${title}</h1>
${content}</html>
`;
}
