/** Servers with rewrite directives, and requests for each: what nginx answers is what Webserv must answer (rewrite.test.ts). */

/** What a group of cases may refer to. */
export interface Around {
  /** A folder with the files of FILES. */
  readonly root: string;
  /** `host:port` of a server that answers with the request line and the fields it has got. */
  readonly backend: string;
}

export interface Group {
  readonly name: string;
  /** What stands in the server's block. */
  readonly server: (around: Around) => string;
  /** `[METHOD ]TARGET[ | FIELD: VALUE]...` */
  readonly requests: readonly string[];
  /** Further names of the server. */
  readonly names?: string;
}

export const FILES = {
  "f.txt": "file f",
  "a b.txt": "file a b",
  "index.html": "index",
  "dir/index.html": "index of dir",
  "dir/g.txt": "file g",
  "other/f.txt": "other f",
  "other/h.txt": "other h",
  "cache/a%20b.html": "kept under its encoded name",
  "cache/a b.html": "kept under its name",
  "50x.html": "the page of errors",
  "msie/f.txt": "f for MSIE",
  "down/x/mp3/s.mp3": "a song",
  "page.html": "page",
  "rails/page.html": "page",
  "rails/dir/index.html": "index of dir",
  "rails/f.txt": "file f",
};

const SHOW = 'return 200 "$uri|$args|$1|$2|$3";';

export const GROUPS: readonly Group[] = [
  {
    name: "rewrite in a server, then locations",
    server: () => `
      rewrite ^/old/(.*)$ /new/$1;
      rewrite ^/new/x(.*)$ /newer/$1;
      rewrite ^/last/(.*)$ /new/$1 last;
      rewrite ^/break/(.*)$ /new/$1 break;
      rewrite ^/new/never /wrong;
      location /new/ { return 200 "new $uri|$args|$1|$request_uri"; }
      location /newer/ { return 200 "newer $uri|$args|$1"; }
      location / { return 200 "other $uri|$1"; }`,
    requests: ["/old/a", "/old/xa?q=1", "/last/never", "/break/never?b", "/plain", "/old/a%20b+c?x=%20", "/old/%c3%a4"],
  },
  {
    name: "arguments",
    server: () => `
      location /keep { rewrite ^ /show?a=1 last; }
      location /drop { rewrite ^ /show? last; }
      location /replace { rewrite ^ /show?a=1? last; }
      location /plain { rewrite ^ /show last; }
      location /two { rewrite ^ /show?a=1?b=2 last; }
      location /cut { rewrite ^ /show?? last; }
      location ~ ^/users/(.*)$ { rewrite ^/users/(.*)$ /show?user=$1? last; }
      location ~ ^/groups/(.*)$ { rewrite ^/groups/(.*)/(.*)$ /show?user=$1&g=$2 last; }
      location /var { set $q x=1; rewrite ^ /show?$q last; }
      location /mid { set $q "?x=1"; rewrite ^ /show$q last; }
      location /show { ${SHOW} }`,
    requests: [
      ...["/keep", "/keep?b=2", "/drop?b=2", "/replace?b=2", "/plain?b=2", "/plain", "/two?c=3", "/cut?b"],
      ...["/users/joe?x=1", "/users/a%20b%26c", "/users/a+b", "/users/%c3%a4", "/groups/a/b?c", "/groups/%3f/%23?c"],
      ...["/var?y", "/var", "/mid?y", "/keep?"],
    ],
  },
  {
    name: "redirects",
    server: () => `
      location /302 { rewrite ^/302(.*)$ /to$1 redirect; }
      location /301 { rewrite ^/301(.*)$ /to$1 permanent; }
      location /abs { rewrite ^/abs(.*)$ http://other.test$1; }
      location /sabs { rewrite ^/sabs(.*)$ https://other.test$1 permanent; }
      location /scheme { rewrite ^/scheme(.*)$ $scheme://other.test$1; }
      location /lastabs { rewrite ^/lastabs(.*)$ http://other.test$1 last; }
      location /breakabs { rewrite ^/breakabs(.*)$ http://other.test$1 break; }
      location /noargs { rewrite ^/noargs(.*)$ /to$1? redirect; }
      location /args { rewrite ^/args/(.*)$ /to?p=$1 redirect; }
      location /argsoff { rewrite ^/argsoff/(.*)$ /to?p=$1? permanent; }
      location /requri { rewrite ^ http://www.other.test$request_uri? permanent; }
      location /requri2 { rewrite ^ http://www.other.test$request_uri permanent; }
      location /named { rewrite ^/named/(?<rest>.*)$ /to/$rest redirect; }
      location /uri { rewrite ^ /to$uri redirect; }
      location /pct { rewrite ^ /to/%41%20%2f%3fx%41 redirect; }
      location /pct2 { rewrite ^ /%4 redirect; }
      location /pct3 { rewrite ^ /%%41 redirect; }
      location /pct4 { rewrite ^ /%3F?%41 redirect; }
      location /badpct { rewrite ^ /to/%4/%zz/100% redirect; }
      location /path { rewrite ^/path/(.*) to/$1 redirect; }`,
    requests: [
      ...[
        "/302/a",
        "/302/a%20b?x=1",
        "/302/a%3Fb",
        "/302/a%2Fb%25",
        "/302/a+b",
        "/302/%c3%a4;x=1",
        "/301/a?x",
        "/301/a%23b",
      ],
      ...[
        "/abs/a?x=1",
        "/abs/a%20b",
        "/sabs/x",
        "/scheme/x?y",
        "/lastabs/x",
        "/breakabs/x?y",
        "/noargs/x?y=1",
        "/args/x?y=1",
      ],
      ...[
        "/args/a%20b%26",
        "/argsoff/x?y",
        "/requri/a%20b?c=d",
        "/requri",
        "/requri2?a",
        "/named/a%2c",
        "/uri/x",
        "/pct2",
        "/pct3?x",
        "/pct4",
        "/pct",
        "/pct?y",
      ],
      ...["/badpct", "/path/x", "POST /302/a", "HEAD /301/b"],
    ],
  },
  {
    name: "the loop of last",
    server: () => `
      location /loop { rewrite ^ /loop; }
      location /pong { rewrite ^ /ping last; }
      location /ping { rewrite ^ /pong last; }
      location /count/ { rewrite ^/count/x(.*) /count/$1; }
      location = /count/ { return 200 done; }
      location /self { rewrite ^/self /self/x break; return 200 no; }
      location /stop { rewrite ^/stop /gone; break; }
      location /gone { return 200 gone; }
      location /error { error_page 500 /page; rewrite ^ /error; }
      location /page { return 200 page; }`,
    requests: [
      ...["/loop", "/ping", "/count/xxxxxxxxx", "/count/xxxxxxxxxx", "/count/xxxxxxxxxxx", "/self", "/stop", "/error"],
    ],
  },
  {
    name: "conditions",
    server: () => `
      location /set {
        set $r "";
        if ($arg_a) { set $r "$r truth"; }
        if ($arg_a = "b c") { set $r "$r quoted"; }
        if ( $arg_a = b ) { set $r "$r spaced"; }
        if ($arg_a = "b" ) { set $r "$r b"; }
        if ($arg_a != b) { set $r "$r not-b"; }
        if ($arg_a ~ ^[0-9]+$) { set $r "$r number"; }
        if ($arg_a ~* "^HELLO$") { set $r "$r hello"; }
        if ($arg_a !~ x) { set $r "$r no-x"; }
        if ($arg_a !~* X) { set $r "$r no-X"; }
        if ($arg_a ~ "^(.)(.)") { set $r "$r $2$1"; }
        if ($arg_a = $arg_b) { set $r "$r same"; }
        if ($arg_a = '') { set $r "$r empty"; }
        return 200 "[$r]";
      }
      location /method { if ($request_method = POST) { return 405; } if ($request_method !~ ^(GET|HEAD|POST)$ ) { return 444; } return 200 ok; }
      location /cookie { if ($http_cookie ~* "id=([^;]+)(?:;|$)") { set $id $1; } return 200 "id=$id"; }
      location /agent { if ($http_user_agent ~* "(curl|wget)/(\\d+)") { return 403 "no $1 $2"; } return 200 ok; }`,
    requests: [
      ...["", "0", "1", "00", "b", "b%20c", "12", "Hello", "xX", "ab&b=ab", "&b=", "0&b=0"].map((a) => `/set?a=${a}`),
      "/set",
      "/set?a&a=12",
      ...["/method", "POST /method", "HEAD /method"],
      ...[
        "/cookie",
        "/cookie | Cookie: a=b; id=42; c=d",
        "/cookie | Cookie: ID=7",
        "/agent | User-Agent: curl/7.1",
        "/agent | User-Agent: x",
      ],
    ],
  },
  {
    name: "tests of files",
    server: ({ root }) => `
      root ${root};
      location / {
        set $r "";
        if (-f $request_filename) { set $r "$r file"; }
        if (!-f $request_filename) { set $r "$r no-file"; }
        if (-d $request_filename) { set $r "$r folder"; }
        if (!-d $request_filename) { set $r "$r no-folder"; }
        if (-e $request_filename) { set $r "$r there"; }
        if (!-e $request_filename) { set $r "$r missing"; }
        if (-x $request_filename) { set $r "$r executable"; }
        if (!-x $request_filename) { set $r "$r not-executable"; }
        return 200 "[$r]";
      }
      location ~ ^/cached/(.*)$ { if (-f ${root}/cache/$1.html) { return 200 "kept $1"; } return 200 "none $1"; }
      location /uri { if (-f "$document_root/f.txt") { return 200 "there"; } }
      location /maintenance { if (-f $document_root/maintenance.html) { return 503; } return 200 up; }`,
    requests: [
      "/f.txt",
      "/a%20b.txt",
      "/dir",
      "/dir/",
      "/none",
      "/f.txt/x",
      "/cached/a%20b",
      "/cached/none",
      "/uri",
      "/maintenance",
    ],
  },
  {
    name: "captures and their life",
    server: () => `
      location ~ ^/loc/(.)(.)$ {
        set $before "$1$2";
        if ($arg_a ~ ^(x)) { set $in "$1$2"; }
        set $after "$1$2";
        return 200 "$before|$in|$after|$1$2";
      }
      location ~ ^/neg/(.)$ { if ($arg_a !~ ^(y)(z)?) { set $in "[$1]"; } return 200 "$in|$1$2"; }
      location ~ ^/named/(?<word>[a-z]+) {
        set $kept $word;
        rewrite ^/named/[a-z]+/(?<rest>.*)$ /x/$rest/$word break;
        return 200 "$uri";
      }
      location ~ ^/twice/(?<t>.) { if ($arg_t ~ ^(?<t>.)) { } return 200 "$t|$1"; }
      location ~ ^/overset/(?<o>.) { set $o "set"; return 200 "$o"; }
      location ~ ^/setover/(.) { set $s "set"; if ($uri ~ (?<s>.)$) { } return 200 "$s"; }
      location ~ ^/failed/(.*)$ { rewrite ^/no(.*)$ /x; return 200 "[$1]"; }
      location ~ ^/to/(.)(.)$ { rewrite ^/to/(.)(.)$ /shown/$2$1 last; }
      location /shown { return 200 "$uri|$1|$2"; }
      location ~ ^/esc/(.*)$ { set $e $1; return 200 "$e|$1"; }
      location ~ ^/esc2/(.*)$ { rewrite ^/esc2/(.*)$ /esc2/$1/; set $e $1; return 200 "$uri|$e|$1"; }
      location ~ ^/opt/(a)?(b)?$ { set $o "$1-$2"; return 200 "$o|$1|$2"; }
      location ~ ^/ten/(.)(.) { return 200 "$10$2x$11"; }`,
    requests: [
      ...[
        "/loc/ab",
        "/loc/ab?a=x",
        "/loc/ab?a=y",
        "/neg/a",
        "/neg/a?a=yz",
        "/neg/a?a=y",
        "/named/abc/def",
        "/named/abc",
        "/twice/a",
        "/twice/a?t=b",
      ],
      ...[
        "/overset/a",
        "/setover/a",
        "/failed/abc",
        "/to/ab",
        "/esc/a%20b%26+c",
        "/esc/plain",
        "/esc2/a%20b%3f",
        "/opt/a",
        "/opt/b",
        "/opt/",
        "/ten/ab",
      ],
    ],
  },
  {
    name: "order of steps: set, break, return",
    server: () => `
      set $a 1;
      set $b "$a$arg_x";
      location /order { set $a 2; set $c $a; set $a 3; return 200 "$a|$b|$c|$d"; set $d 4; }
      location /early { return 200 "[$late]"; set $late x; }
      location /break { set $a 5; break; set $a 6; return 200 no; }
      location /ifbreak { set $a 7; if ($arg_x) { set $a 8; break; } set $a 9; return 200 "$a"; }
      location /self { set $s "$s$uri"; set $s "$s!"; return 200 "$s"; }
      location /args { set $args "new=1"; return 200 "$args|$arg_new|$is_args|$query_string|$request_uri|$arg_old"; }
      location /args2 { set $args "$args&more=1"; rewrite ^ /show last; }
      location /args3 { if ($args ~ "^(.*)&?drop=1(.*)$") { set $args $1$2; } rewrite ^ /show last; }
      location /show { ${SHOW} }
      location /codes { if ($arg_c = 204) { return 204; } if ($arg_c = 404) { return 404; } if ($arg_c = 418) { return 418; } if ($arg_c = t) { return 404 "text"; } return 301 /there?$args; }
      location /url { if ($arg_c) { return https://other.test/$arg_c; } return 302 $scheme://a.test/; }`,
    requests: [
      ...[
        "/order?x=y",
        "/early",
        "/break",
        "/ifbreak",
        "/ifbreak?x=1",
        "/self",
        "/args?old=1",
        "/args2?a=1",
        "/args2",
        "/args3?a=1&drop=1&b=2",
      ],
      ...["/codes?c=204", "/codes?c=404", "/codes?c=t", "/codes?x", "/url", "/url?c=a%20b"],
    ],
  },
  {
    name: "steps of the server run again after an internal redirect, not after last",
    server: ({ root }) => `
      root ${root};
      set $n "$n+";
      location /last { rewrite ^ /show last; }
      location /try { try_files /none /show; }
      location /named { try_files /none @show; }
      location /errors { error_page 404 /show; return 404; }
      location /errors2 { error_page 404 = /show; return 404; }
      location /show { return 200 "$n $uri"; }
      location @show { return 200 "$n named $uri"; }
      location /index/ { index f.txt; alias ${root}/; }`,
    requests: ["/show", "/last", "/try", "/named", "/errors", "/errors2", "/index/"],
  },
  {
    name: "return in a server",
    server: () => `
      error_page 403 /denied;
      if ($arg_deny) { return 403; }
      if ($arg_text) { return 403 "because $arg_text"; }
      if ($arg_to) { return 307 /to$uri; }
      if ($arg_rw) { rewrite ^/(.*)$ /moved/$1?by=if? last; }
      rewrite ^/gone/ /nowhere/ permanent;
      location / { return 200 "at $uri $args"; }
      location /denied { return 200 denied; }
      location /moved { return 200 "moved $uri $args"; }`,
    requests: ["/a", "/a?deny=1", "/a?text=x", "/a?to=1", "/a?rw=1", "/gone/x?y", "/gone/x?deny=1"],
  },
  {
    name: "return alone in a server, behind set",
    server: () => `set $x "$uri"; return 200 "$x|$args"; location / { return 200 never; }`,
    requests: ["/a?b", "/"],
  },
  {
    name: "an if that holds is a location: settings",
    server: ({ root }) => `
      root ${root}; add_header X-Server s;
      location /inherit/ {
        alias ${root}/; add_header X-Loc l; expires 1h;
        if ($arg_a) { add_header X-If a; }
        if ($arg_b) { set $x b; }
        if ($arg_c) { expires 2h; }
        if ($arg_d) { return 200 "d"; }
        if ($arg_e) { root ${root}/other; rewrite ^ /h.txt break; }
      }
      location = /root.txt { rewrite ^ /f.txt break; if ($arg_a) { root ${root}/other; } }
      location = /f.txt { if ($arg_a) { root ${root}/other; } }
      location /both { add_header X-A 1; if ($arg_a) { add_header X-B 2; } if ($arg_b) { add_header X-C 3; } return 200 "both"; }
      location /types/ { default_type text/plain; if ($arg_a) { charset utf-8; } return 200 "t"; }
      location /page { error_page 404 /50x.html; if ($arg_a) { error_page 404 =200 /dir/g.txt; } if ($arg_b) { error_page 404 /f.txt; return 404; } }
      location = /50x.html { }
      location /auth { satisfy all; deny all; if ($arg_a) { return 200 "before access"; } }
      location /only { if ($arg_a) { break; } return 200 "not reached with a"; }`,
    requests: [
      ...["", "?a=1", "?b=1", "?c=1", "?d=1", "?a=1&b=1", "?b=1&a=1", "?a=1&c=1", "?e=1"].map(
        (query) => `/inherit/f.txt${query}`,
      ),
      ...[
        "/root.txt",
        "/root.txt?a=1",
        "/f.txt",
        "/f.txt?a=1",
        "/both",
        "/both?a=1",
        "/both?a=1&b=1",
        "/both?b=1",
        "/types/x",
        "/types/x?a=1",
      ],
      ...["/page", "/page?a=1", "/page?b=1", "/auth", "/auth?a=1", "/only?a=1", "/only"],
    ],
  },
  {
    name: "an if that holds: who answers",
    server: ({ root, backend }) => `
      root ${root};
      location /pass/ { proxy_pass http://${backend}; proxy_set_header X-Loc 1; if ($arg_a) { set $x 1; } if ($arg_b) { proxy_pass http://${backend}; } if ($arg_c) { return 201 "c"; } }
      location /uri/ { proxy_pass http://${backend}/other/; if ($arg_a) { set $x 1; } if ($arg_b) { rewrite ^/uri/(.*)$ /rewritten/$1 break; } if ($arg_c) { rewrite ^/uri/(.*)$ /pass/$1 last; } }
      location /break/ { rewrite ^/break/(.*)$ /whole/$1?x=1 break; proxy_pass http://${backend}/ignored/; }
      location /behind/ { rewrite ^/behind/(.*)$ /whole/$1; break; proxy_pass http://${backend}/ignored/; }
      location /only/ { break; proxy_pass http://${backend}/kept/; }
      location /noflag/ { rewrite ^/noflag/(.*)$ /uri/$1; proxy_pass http://${backend}/ignored/; }
      location /args/ { set $args "n=1"; proxy_pass http://${backend}; }
      location /argsuri/ { set $args "n=1"; proxy_pass http://${backend}/x/; }
      location /try/ { try_files /f.txt =404; if ($arg_a) { set $x 1; } }
      location /trypass/ { try_files $uri @back; if ($arg_a) { set $x 1; } }
      location @back { proxy_pass http://${backend}; if ($arg_b) { rewrite ^ /from-named break; } }
      location /missing/ { if (!-e $request_filename) { proxy_pass http://${backend}; } }
      location /dir/ { if (!-e $request_filename) { proxy_pass http://${backend}; } }
      location /php { if (!-f $document_root/f.txt) { return 404; } proxy_pass http://${backend}; }
      location /var/ { if ($arg_a) { proxy_pass http://${backend}/var$uri; } return 404; }
      location /stub { stub_status; if ($arg_a) { set $x 1; } }
      location /limited { limit_except GET { deny all; } if ($arg_a) { return 200 "a"; } rewrite ^ /f.txt break; }
      location /internal { internal; return 200 "inside $uri"; }
      location /in1 { rewrite ^ /internal last; }
      location /in2 { rewrite ^ /internal break; return 200 broke; }
      rewrite ^/in3 /internal;`,
    requests: [
      ...[
        "/pass/x",
        "/pass/x?a=1",
        "/pass/x%20y?b=1",
        "/pass/x?c=1",
        "/uri/x",
        "/uri/x?a=1",
        "/uri/x%20y?b=1",
        "/uri/x?c=1",
        "/break/a%20b?q",
        "/noflag/x",
        "/behind/x",
        "/only/x",
      ],
      ...[
        "/args/a%20b?old",
        "/args/a",
        "/argsuri/a%20b?old",
        "/try/x",
        "/try/x?a=1",
        "/trypass/x",
        "/trypass/x?a=1",
        "/trypass/x?b=1",
      ],
      ...[
        "/missing/x",
        "/dir/g.txt",
        "/dir/none",
        "/php",
        "/var/x?a=1",
        "/var/x",
        "/limited?a=1",
        "POST /limited?a=1",
        "/limited",
      ],
      ...["/internal", "/in1", "/in2", "/in3", "POST /pass/x?a=1", "HEAD /stub?a=1"],
    ],
  },
  {
    name: "access, subrequests and pages with an if",
    server: ({ root, backend }) => `
      root ${root};
      location = /l2/f.txt { limit_except GET { deny all; } return 200 returned; }
      location /l4/ { limit_except GET { allow all; } set $x 1; if ($x) { return 200 in-if; } return 200 returned; }
      location /deny/ { deny all; if ($arg_a) { set $x 1; } if ($arg_b) { rewrite ^/deny/(.*) /$1 last; } if ($arg_c) { rewrite ^/deny/(.*) /$1 break; } }
      location = /auth { internal; if ($http_x_ok = "1") { return 204; } if ($http_x_who) { return 403; } return 401; }
      location /asked/ { auth_request /auth; rewrite ^/asked/(.*)$ /$1 break; }
      location /asked2/ { auth_request /auth2; rewrite ^/asked2/(.*)$ /$1 break; }
      location = /auth2 { rewrite ^ /auth last; }
      set $who "s$uri";
      location /shared/ { auth_request /auth3; add_header X-Id "$who $1"; rewrite ^/shared/(.*)$ /$1 break; }
      location = /auth3 { internal; set $who "$who+$1"; return 204; }
      location /pages/ { error_page 404 = @missing; error_page 403 /denied.html; if ($arg_deny) { return 403; } rewrite ^/pages/(.*)$ /none/$1 break; }
      location @missing { rewrite ^/none/(.*)$ /f.txt?from=$1 break; }
      location = /denied.html { rewrite ^ /50x.html break; }
      location /dir/ { if ($arg_a) { add_header X-A 1; } index none.html index.html; }
      location /mirror/ { if ($arg_b) { proxy_pass http://${backend}; } if ($arg_a) { proxy_pass http://${backend}; } return 204; }
      location /errs { error_page 418 = @tea; if ($arg_a) { return 418; } return 200 plain; }
      location @tea { return 200 "tea $uri $args"; }
      location /php/ { error_page 404 /f.txt; location ~ ^/php/(.*)\\.php$ { set $script $1; if (!-f ${root}/$script.txt) { return 404; } return 200 "run $script"; } }`,
    requests: [
      ...[
        "PUT /l2/f.txt",
        "/l2/f.txt",
        "PUT /l4/x",
        "/l4/x",
        "/deny/f.txt",
        "/deny/f.txt?a=1",
        "/deny/f.txt?b=1",
        "/deny/f.txt?c=1",
        "/asked/f.txt",
        "/asked/f.txt | X-Ok: 1",
        "/asked/f.txt | X-Who: a",
      ],
      ...[
        "/asked2/f.txt",
        "/shared/f.txt",
        "/asked2/f.txt | X-Ok: 1",
        "/pages/x",
        "/pages/x?deny=1",
        "/dir/",
        "/dir/?a=1",
        "/dir/g.txt?a=1",
        "/mirror/x?a=1",
        "/mirror/x?b=1",
        "/mirror/x",
      ],
      ...["/errs?a=1", "/errs", "/php/f.php", "/php/g.php", "HEAD /errs?a=1", "POST /errs?a=1 | Content-Length: 0"],
    ],
  },
  {
    name: "variables of every kind in steps",
    server: () => `
      set $http_own "mine"; set $arg_own "o"; set $cookie_own c;
      location /own { return 200 "$http_own|$arg_own|$cookie_own|$arg_other"; }
      location /over { set $arg_x new; return 200 "$arg_x $args"; }
      location /host { if ($host = $server_name) { return 200 same; } return 200 other; }
      location /scheme { rewrite ^/scheme(.*)$ $scheme://$host$1 permanent; }
      location /uri { set $before $uri; rewrite ^ /uri2 break; return 200 "$before $uri $document_uri $request_uri $request_filename"; }
      location /len { if ($content_length) { return 200 "has $content_length"; } return 200 none; }
      location /nested { set $a "$arg_a"; set $b "$a$a"; set $c "$b-$a"; rewrite ^ /show/$c?$b last; }
      location /show { ${SHOW} }`,
    requests: [
      "/own?other=1&own=2 | Own: theirs",
      "/over?x=old",
      "/host",
      "/scheme/a?b",
      "/len",
      "POST /len | Content-Length: 0",
      "/nested?a=%20b",
      "/nested",
    ],
  },
  {
    name: "paths that are not as usual",
    server: ({ root, backend }) => `
      root ${root};
      location /noslash { rewrite ^/noslash/(.*)$ $1 last; }
      location /nobreak { rewrite ^/nobreak/(.*)$ $1 break; return 200 "$uri"; }
      location /empty { rewrite ^ ?x=1 last; }
      location /emptyvar { rewrite ^ $arg_none last; }
      location /double { rewrite ^/double/(.*)$ /dir//$1 break; return 200 "$uri"; }
      location /enc { rewrite ^/enc$ /a%20b.txt break; return 200 "$uri"; }
      location /encpass/ { rewrite ^/encpass/(.*)$ "/x y/%41/$1" break; proxy_pass http://${backend}; }
      location /folder { rewrite ^ /dir last; }
      location /dir { }
      location /index { rewrite ^ /dir/ last; }
      location ~ \\.php$ { return 200 "php $uri"; }
      location /front { rewrite ^/front/(.*)$ /index.php?q=$1 last; }
      location /unicode { rewrite ^/unicode$ /ä/é break; return 200 "$uri"; }`,
    requests: [
      ...[
        "/noslash/abc",
        "/nobreak/abc",
        "/empty",
        "/emptyvar",

        "/double/g.txt",
        "/enc",
        "/encpass/a%20b",
        "/folder",
        "/folder?x=1",
        "/index",
      ],
      ...["/front/a/b?c=d", "/front/%c3%a4?x", "/unicode"],
    ],
  },
  {
    name: "expressions",
    server: () => `
      location /digits { rewrite "^/digits/(\\d{3})-(\\d{2})$" /show/$2/$1 last; return 404; }
      location /alt { rewrite ^/alt/(a|b)/?$ /show/$1 last; rewrite ^/alt/(?:c|d)(.*)$ /show/cd$1 last; return 404; }
      location /case { rewrite ^/CASE /show/wrong last; rewrite (?i)^/CASE/(.*)$ /show/$1 last; }
      location /dot { rewrite \\.(jpg|png)$ /show/image-$1 last; return 404; }
      location /space { rewrite "^/space/(.*) (.*)$" /show/$1_$2 last; return 404; }
      location /utf { rewrite ^/utf/(.*)/(.*)$ /show/$2/$1 last; return 404; }
      location /show { return 200 "$uri|$1|$2"; }`,
    requests: [
      ...[
        "/digits/123-45",
        "/digits/12-45",
        "/alt/a",
        "/alt/b/",
        "/alt/cxy",
        "/alt/e",
        "/case/X",
        "/dot/a.png",
        "/dot/a.gif",
        "/space/a%20b",
        "/space/ab",
      ],
      ...["/utf/%c3%a4/%e2%82%ac", "/utf/%ff/%fe"],
    ],
  },
  {
    name: "nginx's documentation of the module",
    server: ({ root }) => `
      root ${root};
      set $slow $arg_slow; set $forbidden $arg_forbidden;
      if ($http_user_agent ~ MSIE) { rewrite ^(.*)$ /msie/$1 break; }
      if ($http_cookie ~* "id=([^;]+)(?:;|$)") { set $id $1; }
      if ($request_method = POST) { return 405; }
      location / { if ($slow) { limit_rate 10k; break; } add_header X-Id $id; }
      location /users/ { rewrite ^/users/(.*)$ /show?user=$1? last; }
      location /show { ${SHOW} }
      location /pictures { valid_referers none blocked server_names *.friend.test; if ($invalid_referer) { return 403; } return 200 picture; }
      location /download/ {
        if ($forbidden) { return 403; }
        if ($slow) { limit_rate 10k; }
        rewrite ^(/download/.*)/media/(.*)\\..*$ $1/mp3/$2.mp3 break;
        rewrite ^(/download/.*)/audio/(.*)\\..*$ $1/mp3/$2.ra break;
        return 403;
      }
      location /down/ { if ($forbidden) { return 403; } rewrite ^/(down/.*)/media/(.*)\\..*$ /$1/mp3/$2.mp3 break; }`,
    requests: [
      ...[
        "/f.txt",
        "/f.txt?slow=1",
        "/f.txt | User-Agent: MSIE 6",
        "/f.txt | Cookie: id=5",
        "POST /f.txt",
        "/pictures",
        "/pictures | Referer: http://a.friend.test/",
        "/pictures | Referer: http://thief.test/",
        "/users/joe?x=1",
        "/download/a/media/b.avi",
        "/download/a/audio/b.avi",
      ],
      ...[
        "/download/a",
        "/download/a/media/b.x?forbidden=1",
        "/down/x/media/s.avi",
        "/down/x/media/s.avi?forbidden=1",
        "/down/x/mp3/s.mp3?slow=1",
      ],
    ],
  },
  {
    name: "nginx's documentation: rewrite in a server, with return behind it",
    server: () => `
      rewrite ^(/download/.*)/media/(.*)\\..*$ $1/mp3/$2.mp3 last;
      rewrite ^(/download/.*)/audio/(.*)\\..*$ $1/mp3/$2.ra last;
      return 403;
      location /download/ { return 200 "$uri"; }`,
    requests: ["/download/a/media/b.avi", "/download/a/audio/b.avi", "/download/a"],
  },
  {
    name: "nginx's documentation: a main site, written the wrong way",
    names: "www.example.org example.org",
    server: () => `
      if ($http_host = example.org) { rewrite (.*) http://www.example.org$1; }
      rewrite ^/old http://www.example.org$request_uri?;
      location / { return 200 "$http_host"; }`,
    requests: ["/a?b", "/a%20b | Host: example.org", "/old/a%20b?c", "/a"],
  },
  {
    name: "nginx's documentation: Mongrel",
    server: ({ root, backend }) => `
      location / { root ${root}; try_files /system/maintenance.html $uri $uri/index.html $uri.html @mongrel; }
      location @mongrel { proxy_pass http://${backend}; }`,
    requests: ["/f.txt", "/dir", "/page", "/none?x"],
  },
  {
    name: "pieces that many files have",
    names: "www.a.test",
    server: ({ root, backend }) => `
      root ${root};
      if ($request_method !~ ^(GET|HEAD|POST|OPTIONS|PUT)$ ) { return 405; }
      if ($http_user_agent ~* (badbot|crawler)) { return 403; }
      if ($query_string ~ "base64_encode.*\\(.*\\)") { return 400; }
      if ($host ~* ^www\\.(.+)$) { set $bare $1; rewrite ^(.*)$ http://$bare$1 permanent; }
      set $both "";
      if ($arg_a) { set $both A; }
      if ($arg_b) { set $both "\${both}B"; }
      if ($both = AB) { return 409; }
      if ($args ~* "^p=(\\d+)$") { set $post $1; rewrite ^/$ /post/$post? redirect; }
      location /cors {
        if ($request_method = 'OPTIONS') {
          add_header 'Access-Control-Allow-Origin' '*';
          add_header 'Access-Control-Max-Age' 1728000;
          add_header 'Content-Type' 'text/plain; charset=utf-8';
          return 204;
        }
        if ($request_method = 'GET') { add_header 'Access-Control-Allow-Origin' '*' always; }
        alias ${root}/f.txt;
      }
      location /rails/ {
        if (-f $request_filename.html) { rewrite (.*) $1.html break; }
        if (-f $request_filename/index.html) { rewrite (.*) $1/index.html break; }
        if (!-f $request_filename) { proxy_pass http://${backend}; break; }
      }
      location ~ \\.php(?:$|/) {
        rewrite ^/(?!index|remote|ocs\\/v[12]|.+\\/richdocumentscode) /index.php$request_uri;
        fastcgi_split_path_info ^(.+?\\.php)(/.*)$;
        return 200 "php $fastcgi_script_name $fastcgi_path_info $args";
      }
      location /ci/ { if (!-e $request_filename) { rewrite ^/ci/(.*)$ /index.php?/$1 last; break; } }
      location /static/ {
        location ~ ^/static/version { rewrite ^/static/(version\\d*/)?(.*)$ /static/$2 last; }
        if (!-f $request_filename) { rewrite ^/static/(version\\d*/)?(.*)$ /index.php?resource=$2 last; }
        add_header X-A static;
      }
      if (!-e $request_filename) {
        rewrite /wp-admin$ $scheme://$host$uri/ permanent;
        rewrite ^(/[^/]+)?(/wp-.*) $2 last;
      }
      location /wp- { return 200 "wp $uri"; }
      location ~ ^/al/(.*)$ { alias ${root}/$1; if ($arg_x ~ ^y) { add_header X-A y; } if ($arg_x ~ ^(z)) { add_header X-A z; } }`,
    requests: [
      ...[
        "/f.txt | User-Agent: BadBot",
        "/f.txt?x=base64_encode(1)",
        "/f.txt?a=1&b=1",
        "/f.txt?a=1",
        "/?p=12",
        "/?p=x",
        "/a%20b?c | Host: www.a.test",
        "DELETE /f.txt",
      ],
      ...[
        "OPTIONS /cors",
        "/cors",
        "HEAD /cors",
        "/rails/page",
        "/rails/dir",
        "/rails/f.txt",
        "/rails/none?x",
        "/x.php?a=1",
        "/remote.php/webdav/a?b",
        "/index.php/a/b",
        "/ci/a/b?c",
      ],
      ...[
        "/static/version123/a.css",
        "/static/x?y",
        "/blog/wp-admin",
        "/blog/wp-content/x",
        "/al/f.txt",
        "/al/f.txt?x=y",
        "/al/f.txt?x=z",
        "/al/f.txt?x=n",
      ],
    ],
  },
  {
    name: "front controllers of old files",
    names: "www.a.test",
    server: ({ root, backend }) => `
      root ${root};
      location / { if (!-e $request_filename) { rewrite ^(.*)$ /index.php?q=$1 last; break; } }
      location ~ \\.php$ { proxy_pass http://${backend}; }
      location /blog/ { if (-f $request_filename) { break; } rewrite ^/blog/(.+)$ /index.php?page=$1 last; }
      location /wiki { rewrite ^/wiki/([^?]*)(?:\\?(.*))? /index.php?title=$1&$2 last; }
      if (!-d $request_filename) { rewrite ^/(.+)/$ /$1 permanent; }
      if ($host ~* ^www\\.(.*)) { set $host_without_www $1; rewrite ^/(.*)$ http://$host_without_www/$1 permanent; }
      if ($request_uri ~* "([^/]*?)/index\\.html") { rewrite ^ /$1/? permanent; }`,
    requests: [
      "/f.txt",
      "/none/x?y=1",
      "/dir/",
      "/gone/",
      "/blog/a%20b?c",
      "/wiki/Main_Page?action=edit",
      "/x | Host: www.a.test",
      "/dir/index.html",
      "/dir",
    ],
  },
];
