/** The frame of pages that consist of a title and a few lines: complete, small, readable in light and dark mode. */

/** @param body CSS declarations for `body` @param content HTML after the heading, with a line end */
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
