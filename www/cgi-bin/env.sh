#!/bin/sh
# Every variable a CGI program gets (RFC 3875 §4.1), as a page.

# Whatever comes from a client is escaped before it stands in HTML.
escape() {
  sed -e 's/&/\&amp;/g' -e 's/</\&lt;/g' -e 's/>/\&gt;/g'
}

cat <<'END'
Content-Type: text/html; charset=utf-8
Cache-Control: no-store

<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>The environment of a program · Webserv</title>
<link rel="icon" href="/images/logo.svg" type="image/svg+xml">
<link rel="stylesheet" href="/style.css">
</head>
<body>
<main class="wrap">
<h1>The environment of a program</h1>
<p class="lead">This is all it is told. What follows the script in the path becomes <code>PATH_INFO</code>, what follows the question mark <code>QUERY_STRING</code>:
<a href="/cgi-bin/env.sh/a%20path/inside?and=a&amp;query">try both</a>. The cookies in <code>HTTP_COOKIE</code> are not shown: scripts of
a page must not read them.</p>
END
printf '<pre>'
env | sort | escape | sed -e 's|^HTTP_COOKIE=.*|HTTP_COOKIE=(not shown)|' -e 's|^\([A-Za-z_][A-Za-z0-9_]*\)=|<b>\1</b>=|'
cat <<'END'
</pre>
<p class="actions after"><a class="button quiet" href="/cgi.html">All programs</a></p>
</main>
</body>
</html>
END
