#!/usr/bin/env python3
"""Shows what a form has sent: the query of a GET, or a POST as application/x-www-form-urlencoded or multipart/form-data."""
import os
import re
import sys
from html import escape
from urllib.parse import parse_qsl

PAGE = """\
Status: {status}
Content-Type: text/html; charset=utf-8
Cache-Control: no-store

<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>A form's echo · Webserv</title>
<link rel="icon" href="/images/logo.svg" type="image/svg+xml">
<link rel="stylesheet" href="/style.css">
</head>
<body>
<main class="wrap">
<h1>A form’s echo</h1>
<p class="lead">{summary}</p>
<table class="fields">
<thead><tr><th>Field</th><th>Value</th></tr></thead>
<tbody>
{rows}
</tbody>
</table>
<p class="actions after"><a class="button quiet" href="/cgi.html#form">Send another</a></p>
</main>
</body>
</html>
"""


def main():
    kind = os.environ.get("CONTENT_TYPE", "")
    status, how = "200 OK", "by GET, in the URL"
    fields = []
    try:
        if os.environ["REQUEST_METHOD"] != "POST":
            fields = urlencoded(os.environ["QUERY_STRING"])
        elif kind.startswith("multipart/form-data"):
            fields, how = multipart(kind, body()), "by POST, as multipart/form-data"
        else:
            fields, how = urlencoded(body().decode("ascii", "replace")), "by POST, urlencoded"
    except ValueError as problem:
        status, how = "400 Bad Request", f"but it could not be read: {problem}"
    rows = "\n".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in fields)
    summary = f"{len(fields)} field{'' if len(fields) == 1 else 's'} came {escape(how)}."
    # The locale is C, so the encoding is said here; what cannot be encoded becomes a question mark.
    sys.stdout.reconfigure(encoding="utf-8", errors="replace")
    sys.stdout.write(PAGE.format(status=status, summary=summary, rows=rows))


def body():
    """The request's body: stdin, of which CONTENT_LENGTH bytes are ours (RFC 3875 §4.2)."""
    return sys.stdin.buffer.read(int(os.environ.get("CONTENT_LENGTH") or 0))


def urlencoded(text):
    return parse_qsl(text, keep_blank_values=True, max_num_fields=100)


def multipart(kind, content):
    """Each part as (name, value); of a file, its name and size (RFC 7578)."""
    boundary = re.search(r'boundary="?([^";]+)', kind)
    if boundary is None:
        raise ValueError("the boundary is missing")
    delimiter = b"\r\n--" + boundary[1].encode("ascii", "replace")
    parts = (b"\r\n" + content).split(delimiter)[1:-1]
    if len(parts) > 100:
        raise ValueError("there are more than 100 parts")
    return [field(part) for part in parts]


def field(part):
    head, _, content = part.partition(b"\r\n\r\n")
    text = head.decode("utf-8", "replace")
    name = re.search(r'\bname="([^"]*)"', text)
    filename = re.search(r'\bfilename="([^"]*)"', text)
    if name is None:
        raise ValueError("a part has no name")
    if filename is None:
        return name[1], content.decode("utf-8", "replace")
    return name[1], f"the file “{filename[1]}” of {len(content)} bytes" if filename[1] else "no file"


main()
