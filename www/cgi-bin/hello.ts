#!/usr/bin/env bun
// A page by TypeScript, run by Bun. `cgi_pass_env PATH` lets env find the one that npm installed.
const query = new URLSearchParams(process.env.QUERY_STRING ?? "");
const name = Bun.escapeHTML(query.get("name") || "TypeScript");
const script = Bun.escapeHTML(process.env.SCRIPT_NAME ?? "");

await Bun.write(
  Bun.stdout,
  `Content-Type: text/html; charset=utf-8
Cache-Control: no-store

<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Hello from TypeScript · Webserv</title>
<link rel="icon" href="/images/logo.svg" type="image/svg+xml">
<link rel="stylesheet" href="/style.css">
</head>
<body>
<main class="wrap">
<h1>Hello, ${name}!</h1>
<p class="lead">Bun ${Bun.version}, as a program of its own.</p>
<form class="line" method="get" action="${script}">
<label>Your name <input name="name" maxlength="80"></label>
<button type="submit">Greet me</button>
</form>
<p class="actions after"><a class="button quiet" href="/cgi.html">All programs</a></p>
</main>
</body>
</html>
`,
);
