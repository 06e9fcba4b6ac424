/** nginx's directives that make no difference here: accepted with a warning, so that nginx's files can be used. */

/** The reason for a setting of a refused directive: without that it does no harm, and one error is enough. */
const belongsTo = (name: string): string => `it belongs to "${name}", which is not supported`;

const REASONS: Readonly<Record<string, string>> = {
  "one process serves all":
    "worker_processes worker_cpu_affinity worker_priority worker_aio_requests accept_mutex accept_mutex_delay master_process lock_file thread_pool",
  "it always uses epoll": "use multi_accept epoll_events debug_connection",
  "the server stays what and where it was started": "working_directory worker_rlimit_core debug_points env",
  "small replies leave in one send, larger files by sendfile":
    "sendfile sendfile_max_chunk tcp_nopush tcp_nodelay postpone_output send_lowat output_buffers proxy_send_lowat fastcgi_send_lowat",
  "files come from the system's cache": "aio aio_write directio directio_alignment read_ahead",
  "memory is taken when it is needed, and given back":
    "connection_pool_size request_pool_size client_body_in_single_buffer client_body_early_read",
  "its tables grow by themselves":
    "server_names_hash_max_size server_names_hash_bucket_size types_hash_max_size types_hash_bucket_size variables_hash_max_size variables_hash_bucket_size map_hash_max_size map_hash_bucket_size referer_hash_max_size referer_hash_bucket_size proxy_headers_hash_max_size proxy_headers_hash_bucket_size",
  "the clock is read in every turn, and expressions are compiled": "timer_resolution pcre_jit",
  "compression has buffers of its own":
    "gzip_buffers gzip_hash gzip_window gzip_no_buffer postpone_gzipping gunzip_buffers brotli_buffers brotli_window zstd_buffers zstd_target_cblock_size",
  "open files are kept from their first use, and looked at again": "open_file_cache_min_uses open_file_cache_events",
  "it is for browsers that nobody uses any more": "msie_padding msie_refresh",
  "only the final reply is passed on": "early_hints proxy_pass_trailers",
  "the handshake works without it":
    "proxy_ssl_certificate_cache proxy_ssl_session_reuse ssl_certificate_cache ssl_certificate_compression ssl_dhparam ssl_early_data ssl_ech_file ssl_engine ssl_object_cache_inheritable ssl_stapling ssl_stapling_file ssl_stapling_responder ssl_stapling_verify",
  "clients that are not offered HTTP/2 or HTTP/3 use HTTP/1.1":
    "http2 http2_body_preread_size http2_chunk_size http2_idle_timeout http2_max_concurrent_pushes http2_max_concurrent_streams http2_max_field_size http2_max_header_size http2_max_requests http2_pool_size http2_push http2_push_preload http2_recv_buffer_size http2_recv_timeout http2_streams_index_size http3 http3_hq http3_max_concurrent_streams http3_stream_buffer_size quic_active_connection_id_limit quic_bpf quic_gso quic_host_key quic_retry",
  "it is for suwsgi://, which Webserv does not speak":
    "uwsgi_ssl_certificate uwsgi_ssl_certificate_cache uwsgi_ssl_certificate_key uwsgi_ssl_ciphers uwsgi_ssl_conf_command uwsgi_ssl_crl uwsgi_ssl_name uwsgi_ssl_password_file uwsgi_ssl_protocols uwsgi_ssl_server_name uwsgi_ssl_session_reuse uwsgi_ssl_trusted_certificate uwsgi_ssl_verify uwsgi_ssl_verify_depth",
  "the kernel sizes the buffers of sockets":
    "proxy_socket_sndbuf proxy_socket_rcvbuf fastcgi_socket_sndbuf fastcgi_socket_rcvbuf uwsgi_socket_sndbuf uwsgi_socket_rcvbuf scgi_socket_sndbuf scgi_socket_rcvbuf",
  "the file is sent as it is, its parts on request: players ask with Range":
    "mp4 mp4_buffer_size mp4_max_buffer_size mp4_start_key_frame flv",
  [belongsTo("grpc_pass")]:
    "grpc_bind grpc_buffer_size grpc_connect_timeout grpc_hide_header grpc_ignore_headers grpc_intercept_errors grpc_next_upstream grpc_next_upstream_timeout grpc_next_upstream_tries grpc_pass_header grpc_read_timeout grpc_send_timeout grpc_set_header grpc_socket_keepalive grpc_socket_rcvbuf grpc_socket_sndbuf grpc_ssl_certificate grpc_ssl_certificate_cache grpc_ssl_certificate_key grpc_ssl_ciphers grpc_ssl_conf_command grpc_ssl_crl grpc_ssl_name grpc_ssl_password_file grpc_ssl_protocols grpc_ssl_server_name grpc_ssl_session_reuse grpc_ssl_trusted_certificate grpc_ssl_verify grpc_ssl_verify_depth",
  [belongsTo("memcached_pass")]:
    "memcached_bind memcached_buffer_size memcached_connect_timeout memcached_gzip_flag memcached_next_upstream memcached_next_upstream_timeout memcached_next_upstream_tries memcached_read_timeout memcached_send_timeout memcached_socket_keepalive",
  [belongsTo("image_filter")]:
    "image_filter_buffer image_filter_interlace image_filter_jpeg_quality image_filter_sharpen image_filter_transparency image_filter_webp_quality",
  [belongsTo("xslt_stylesheet")]:
    "xml_entities xml_external_entities xslt_last_modified xslt_param xslt_string_param xslt_types",
  [belongsTo("ssl_ocsp")]: "ssl_ocsp_cache ssl_ocsp_responder",
  [belongsTo("perl")]: "perl_modules perl_require",
  [belongsTo("geoip_country")]: "geoip_proxy geoip_proxy_recursive",
  "the cache keeps a reply in one piece, and $slice_range is empty": "slice",
  "it is for profiling nginx itself": "google_perftools_profiles degradation degrade",
};

/** Name, and why it makes no difference. */
export const WITHOUT_EFFECT: ReadonlyMap<string, string> = new Map(
  Object.entries(REASONS).flatMap(([reason, names]) => names.split(" ").map((name) => [name, reason])),
);
