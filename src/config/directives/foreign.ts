/** nginx's directives that Webserv does not have: those that make no difference here, and those that would and are refused. */

const IS_FIXED = "Webserv decides this itself";
const ONE_PROCESS = "one process serves all";

/** Accepted with a warning: name, and why it makes no difference. */
export const WITHOUT_EFFECT: ReadonlyMap<string, string> = new Map(
  Object.entries({
    [ONE_PROCESS]:
      "worker_processes worker_cpu_affinity worker_priority worker_shutdown_timeout worker_aio_requests accept_mutex accept_mutex_delay master_process thread_pool lock_file",
    "it always uses epoll": "use multi_accept epoll_events debug_connection",
    [IS_FIXED]:
      "proxy_send_lowat fastcgi_send_lowat sendfile sendfile_max_chunk tcp_nopush tcp_nodelay aio aio_write directio directio_alignment output_buffers postpone_output read_ahead timer_resolution pcre_jit reset_timedout_connection connection_pool_size request_pool_size chunked_transfer_encoding client_body_in_single_buffer subrequest_output_buffer_size open_file_cache_min_uses open_log_file_cache lingering_close max_ranges log_subrequest",
    "its tables grow by themselves":
      "proxy_headers_hash_max_size proxy_headers_hash_bucket_size server_names_hash_max_size server_names_hash_bucket_size types_hash_max_size types_hash_bucket_size variables_hash_max_size variables_hash_bucket_size",
    "compression has buffers of its own":
      "gzip_buffers gzip_hash gzip_window gzip_no_buffer postpone_gzipping brotli_buffers brotli_window zstd_buffers zstd_target_cblock_size",
    "no browser needs it any more": "keepalive_disable msie_padding msie_refresh ancient_browser modern_browser",
    "invalid fields are always refused": "ignore_invalid_headers underscores_in_headers",
    "repeated slashes are always merged": "merge_slashes",
    "the listing always shows both": "autoindex_exact_size autoindex_localtime",
    "the level of error_log decides": "log_not_found rewrite_log",
    "the environment is not passed on": "env",
    "it is for servers that are reached by TLS, which Webserv does not do":
      "proxy_ssl_certificate proxy_ssl_certificate_key proxy_ssl_ciphers proxy_ssl_conf_command proxy_ssl_crl proxy_ssl_name proxy_ssl_password_file proxy_ssl_protocols proxy_ssl_server_name proxy_ssl_session_reuse proxy_ssl_trusted_certificate proxy_ssl_verify proxy_ssl_verify_depth uwsgi_ssl_certificate uwsgi_ssl_certificate_key uwsgi_ssl_ciphers uwsgi_ssl_name uwsgi_ssl_protocols uwsgi_ssl_server_name uwsgi_ssl_session_reuse uwsgi_ssl_trusted_certificate uwsgi_ssl_verify uwsgi_ssl_verify_depth",
  }).flatMap(([reason, names]) => names.split(" ").map((name) => [name, reason])),
);

const NO_TLS = "Webserv has no TLS";
const NO_CODING = "replies are not rewritten";
const NO_AUTH = 'use "auth_basic"';
const NO_REWRITE = "use return, try_files or a location with a regular expression";
const NO_RATE = "there are no limits per client but those on time and size";
const NO_MODULE = "Webserv has no such module";

/** Refused: name (or the beginning of names, ending in `_`), and why. */
const UNSUPPORTED: ReadonlyMap<string, string> = new Map(
  Object.entries({
    [NO_TLS]: "ssl ssl_",
    "Webserv speaks HTTP/1.1": "http2 http2_ http3 http3_ quic_",
    [NO_CODING]:
      "gunzip gunzip_ zstd_dict_file sub_filter sub_filter_ addition_types add_before_body add_after_body ssi ssi_ charset_map charset_types override_charset source_charset image_ xml_ xslt_",
    [NO_AUTH]: "auth_jwt auth_jwt_ auth_pam auth_pam_ auth_ldap auth_ldap_ auth_digest auth_digest_",
    [NO_REWRITE]: "rewrite if break uninitialized_variable_warn split_clients geo geoip_",
    [NO_RATE]: "limit_conn limit_conn_ limit_req limit_req_ limit_rate limit_rate_ limit_zone",
    'use "symlinks"': "disable_symlinks",
    'use "upload_store" and "delete_files"': "dav_ create_full_put_path",
    'use "session"': "userid userid_",
    [NO_MODULE]:
      "grpc_ memcached_ stream mail slice valid_referers secure_link secure_ add_trailer perl perl_ js_ lua_ load_module random_index empty_gif flv mp4 mp4_ post_action recursive_error_pages client_body_in_file_only status_zone",
  }).flatMap(([reason, names]) => names.split(" ").map((name) => [name, reason])),
);

/** Why a directive of nginx is refused here; undefined: nginx has no such directive. */
export function refusalOf(name: string): string | undefined {
  const whole = UNSUPPORTED.get(name);
  if (whole !== undefined) return whole;
  for (const [start, reason] of UNSUPPORTED) if (start.endsWith("_") && name.startsWith(start)) return reason;
  return undefined;
}
