#!/bin/sh
# Which interpreters the programs here would find: {"python3": "/usr/bin/python3", "php-cgi": null, ...}

# A path as a JSON string; null where there is none.
json() {
  if [ -n "$1" ]; then printf '"%s"' "$(printf '%s' "$1" | sed 's/[\\"]/\\&/g')"; else printf null; fi
}

printf 'Content-Type: application/json\nCache-Control: no-store\n\n'
separator='{'
for name in sh python3 perl php-cgi bun; do
  printf '%s"%s": %s' "$separator" "$name" "$(json "$(command -v "$name")")"
  separator=', '
done
printf '}\n'
