#!/usr/bin/env python3
"""A page that remembers: the session's data come as SESSION_DATA, and change by the field X-Session-Patch (RFC 7396)."""
import json
import os
import sys
from html import escape
from urllib.parse import parse_qs

PAGE = """\
Content-Type: text/html; charset=utf-8
Cache-Control: no-store
X-Session-Patch: {patch}

<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>A program's session · Webserv</title>
<link rel="icon" href="/images/logo.svg" type="image/svg+xml">
<link rel="stylesheet" href="/style.css">
</head>
<body>
<main class="wrap">
<h1>{greeting}</h1>
<p class="lead">Views of this page: {views}. Reload it, or come back later.</p>
<form class="line" method="post">
<label>Your favourite colour <input name="colour" maxlength="40" value="{colour}"></label>
<button type="submit">Remember it</button>
</form>
<h2>What the server gave the program</h2>
<pre>{data}</pre>
<p class="actions after"><a class="button quiet" href="/cgi.html">All programs</a> <a class="button quiet" href="/session.html">The same session without a program</a></p>
</main>
</body>
</html>
"""


def main():
    data = json.loads(os.environ.get("SESSION_DATA") or "{}")
    views = data.get("views")  # which other programs could have set to anything
    patch = {"views": views + 1 if isinstance(views, int) else 1}
    if os.environ["REQUEST_METHOD"] == "POST":
        # null removes a member, so an empty field forgets the colour.
        patch["colour"] = form().get("colour", [""])[0][:40] or None
    colour = str({**data, **patch}.get("colour") or "")
    page = PAGE.format(
        patch=json.dumps(patch),  # ASCII, as fields are
        greeting=f"You like {escape(colour)}" if colour else "A program’s session",
        views=patch["views"],
        colour=escape(colour),
        data=escape(json.dumps(data, indent=2, ensure_ascii=False)),
    )
    sys.stdout.reconfigure(encoding="utf-8", errors="replace")
    sys.stdout.write(page)


def form():
    length = min(int(os.environ.get("CONTENT_LENGTH") or 0), 10_000)
    return parse_qs(sys.stdin.buffer.read(length).decode("ascii", "replace"))


main()
