/** nginx's core, what concerns replies and what is logged about them. */
import type { Context } from "../../scope.ts";
import type { Row } from "../../table.ts";
import { directive, store } from "../../table.ts";
import { flag, number } from "../../values/arguments.ts";

const anywhere: readonly Context[] = ["http", "server", "location"];

export const CORE_REPLIES: readonly Row[] = [
  directive("max_ranges", {
    in: anywhere,
    takes: [number("N", 0)],
    default: "16",
    help: "Most parts of a file or kept reply that one request may ask for; with more it gets the whole. 0: there are no parts. nginx has no bound.",
    set: store("maxRanges"),
  }),
  directive("chunked_transfer_encoding", {
    in: anywhere,
    takes: [flag],
    default: "on",
    help: "Whether a reply whose length is not known is sent in chunks; if not, it ends with the connection.",
    set: store("chunkedTransferEncoding"),
  }),
  directive("recursive_error_pages", {
    in: anywhere,
    takes: [flag],
    default: "off",
    help: "Whether `error_page` also applies to an error while an error page is made, ten times at most.",
    set: store("recursiveErrorPages"),
  }),
  directive("nginx_replies", {
    in: anywhere,
    takes: [flag],
    default: "off",
    help: "Answers as nginx does where no file, program or server is asked: OPTIONS and methods that nobody knows are 405, built-in pages are `text/html` without a charset, listings have no names that begin with a dot, and a missing error page gives its own status instead of the error's.",
    set: store("nginxReplies"),
  }),
];

export const CORE_LOGS: readonly Row[] = [
  directive("log_not_found", {
    in: anywhere,
    takes: [flag],
    default: "on",
    help: "Whether a file that is not found is a line in the error log.",
    set: store("logNotFound"),
  }),
  directive("log_subrequest", {
    in: anywhere,
    takes: [flag],
    default: "off",
    help: "Whether subrequests (of `auth_request`, `mirror` and their like) are lines in the access log.",
    set: store("logSubrequest"),
  }),
];
