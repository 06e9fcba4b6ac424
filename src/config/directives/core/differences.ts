/** The defaults that differ from nginx's on purpose. `compat nginx` and docs/nginx-differences.md are made of this list. */

interface Difference {
  /** What Webserv does by default. */
  readonly here: string;
  /** Why. */
  readonly because: string;
  /** The directive that does what nginx does. */
  readonly nginx: string;
}

export const DIFFERENCES: readonly Difference[] = [
  {
    here: "Paths with a component that begins with a dot are 404 (`/.well-known/` is excepted), and listings leave such names out",
    because: "`.git`, `.env` and `.htpasswd` are not meant to be seen",
    nginx: "dotfiles allow;",
  },
  {
    here: "Symbolic links are followed while they stay beneath the root; others are 403",
    because: "whoever may write a file must not be able to show another one",
    nginx: "symlinks follow;",
  },
  {
    here: "A redirect to a path is sent as that path",
    because: "it is right behind every front server and every mapping of ports",
    nginx: "absolute_redirect on;",
  },
  {
    here: "Without `types`, a thousand extensions have their media type",
    because: "a site works without `include mime.types`",
    nginx: "types { text/html html; image/gif gif; image/jpeg jpg; }",
  },
  {
    here: "OPTIONS is answered with 204 and Allow, a method that nobody knows with 501; built-in pages say `charset=utf-8`; a missing error page leaves the error its status",
    because: "RFC 9110 §9.3.7, §15.6.2; an error must not look like another one",
    nginx: "nginx_replies on;",
  },
  {
    here: "Listings for people show sizes with units",
    because: "they are easier to compare",
    nginx: "autoindex_exact_size on;",
  },
  {
    here: "What is sent compressed or not, as clients accept it, has `Vary: Accept-Encoding`",
    because: "caches would give the compressed form to clients that cannot decode it",
    nginx: "gzip_vary off;",
  },
  {
    here: "A request for more than 16 parts of a file gets all of it",
    because: "so many are a mistake or an attack",
    nginx: "max_ranges 2147483647;",
  },
  {
    here: "A body must come with 500 bytes a second on average, from its 10th second on",
    because: "a client that sends a byte a minute would hold its connection for ever",
    nginx: "client_min_rate 0;",
  },
  {
    here: "A client must take a reply with 500 bytes a second on average, from its 10th second on",
    because: "likewise",
    nginx: "send_min_rate 0;",
  },
  {
    here: "Open files are kept, and looked at again after a second",
    because: "nothing is served that is older than that, and small files cost one send",
    nginx: "open_file_cache off;",
  },
];
