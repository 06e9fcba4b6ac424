/** Writes docs/nginx-differences.md from the list of defaults that differ from nginx's. */
import { DIFFERENCES } from "../../src/config/directives/core/differences.ts";

/** The text of docs/nginx-differences.md. */
export function differencesPage(): string {
  const rows = DIFFERENCES.map(
    ({ here, because, nginx }) => `| ${here} | ${because} | \`${nginx.replaceAll("|", "\\|")}\` |`,
  );
  return `# Differences from nginx that were kept on purpose

<!-- The first table is made by tools/document.ts from src/config/directives/core/differences.ts, the rest stands in tools/nginx/differences.ts. Do not edit. -->

A file of nginx means the same here, but for these defaults. Each is set back by its directive, where nginx allows directives of its kind, and all of them together by one line
at the top level of the file:

    compat nginx;

| Webserv, by default | because | as nginx |
| --- | --- | --- |
${rows.join("\n")}

What \`compat\` leaves alone, because it makes no difference to a reply:

| Webserv, by default | as nginx |
| --- | --- |
| There is no access log | \`access_log logs/access.log combined;\` |
| The error log is stderr | \`error_log logs/error.log error;\` |
| As many connections as there are descriptors | \`worker_connections 512;\` |

What cannot be had as in nginx:

- The pages for errors and listings have the same content in another form, \`Server\` says \`webserv\`, and reason phrases are those of RFC 9110 (\`302 Found\`).
- 405 has Allow; a head that is too large is 431 (nginx: 400), a method in small letters 501 or 405 (nginx: 400).
- Fields that a request may have only once are refused when they come twice, as by nginx since 1.23.
- \`add_header Content-Type\` replaces the type that a reply has; nginx sends both fields.
- \`auth_basic\` without \`auth_basic_user_file\` is an error; nginx lets everybody in. \`ssl_certificate\` has no variables, and \`set_real_ip_from\` no names of hosts.
- Entity tags have another form. A folder that is a link that may not be followed is 403 (nginx: 404).
- Requests that can be read in two ways are refused: [behaviour.md](behaviour.md#requests) lists them.
- Location has percent-encodings for what no URL may contain, whatever variables a \`rewrite\` or \`return\` has put into it; a rewritten path with \`..\` does not lead out of the root.
- A redirect's path that begins with \`//\` by a variable's value gets scheme and host, with \`absolute_redirect off\` too.
- A text is made from left to right: \`$1\` in \`"$1 $x"\` is the group of before where the expression of a \`map\` for \`$x\` has groups. nginx takes lengths first, and mixes both or answers 500.
- \`split_clients\` and \`geo\` refuse entries without or with two values, and \`valid_referers none ~x\` is taken.
- A body in chunks is checked to its end before a file is sent.
- What is compressed already (Content-Encoding) is not text: \`sub_filter\`, \`ssi\`, \`add_before_body\` and the conversion of charsets leave it as it is. A reply whose body is changed has no ranges.
- Charsets are converted without \`charset_map\` too.
- What differs behind a gateway stands in [gateway.md](gateway.md), and each of nginx's directives in [nginx-directives.md](nginx-directives.md).
`;
}
