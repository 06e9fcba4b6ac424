/** nginx's directives that Webserv does not have and that would make a difference: refused. */

/** What to do instead, and the names, or beginnings of names (ending in `_`). A directive that is in the table of directives is not looked for here. */
const INSTEAD: readonly (readonly [instead: string, names: string])[] = [
  ["revoked certificates of clients would be taken: list them by ssl_crl", "ssl_ocsp"],
  ["decrypt the key (openssl pkey), and let nobody else read it", "proxy_ssl_password_file"],
  ["this is not a directive of OpenSSL that Webserv knows", "ssl_"],
  ["pass to a server that speaks HTTP/1.1 or FastCGI", "grpc_pass memcached_pass tunnel_pass"],
  ["Webserv serves HTTP alone: run nginx for this block", "stream mail"],
  ["replies are not rewritten: let a program do it", "image_filter xslt_stylesheet zstd_dict_file"],
  [
    "write the program for proxy_pass, fastcgi_pass or cgi",
    "perl perl_set uwsgi_string js_ lua_ content_by_lua_ access_by_lua_",
  ],
  ["write the networks into a file for geo", "geoip_country geoip_city geoip_org geoip2 geoip2_"],
  ['use "map" with $http_user_agent', "ancient_browser ancient_browser_value modern_browser modern_browser_value"],
  ['use "mirror"', "post_action"],
  [
    'use "auth_basic" or "auth_request"',
    "auth_jwt auth_jwt_ auth_pam auth_pam_ auth_ldap auth_ldap_ auth_digest auth_digest_",
  ],
  [
    'use "add_header" and "proxy_hide_header"',
    "more_set_headers more_clear_headers more_set_input_headers more_clear_input_headers",
  ],
  ['use "return 200 TEXT"', "echo echo_"],
  ['use "autoindex"', "fancyindex fancyindex_"],
  ['use "upload_store"', "upload_pass upload_progress"],
  ['use "stub_status"', "status status_zone status_format vhost_traffic_status vhost_traffic_status_ api"],
  ['use "access_log"', "session_log session_log_"],
  ["write them again in each block that has some of its own", "add_header_inherit add_trailer_inherit"],
];

const WHOLE = new Map(INSTEAD.flatMap(([instead, names]) => names.split(" ").map((name) => [name, instead] as const)));
const STARTS = [...WHOLE].filter(([name]) => name.endsWith("_"));

/** What to do instead of a directive of nginx, or of a known module for it, that is refused here; undefined: nobody has such a directive. */
export function refusalOf(name: string): string | undefined {
  return WHOLE.get(name) ?? STARTS.find(([start]) => name.startsWith(start))?.[1];
}
