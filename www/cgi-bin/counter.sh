#!/bin/sh
# A reply that takes ten seconds: each line is sent as soon as it is written, because nothing on its way waits for more.

printf 'Content-Type: text/plain; charset=utf-8\nCache-Control: no-store\n\n'
for number in 1 2 3 4 5 6 7 8 9 10; do
  printf '%s of 10, at %s\n' "$number" "$(date +%H:%M:%S)"
  [ "$number" -eq 10 ] || sleep 1
done
