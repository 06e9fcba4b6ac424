#!/usr/bin/env perl
# A guest book: each entry is one line of a file, in hexadecimal, so that no text can break the format.
use strict;
use warnings;
use Fcntl qw(:DEFAULT :flock :mode);
use File::Spec;

# Outside of what the server serves, and nobody else's.
my $file = File::Spec->catfile(File::Spec->tmpdir, "webserv-guestbook-$>");
my %longest = (name => 60, text => 500);    # characters
my $most = 1_000_000;                       # bytes of the whole book
my $shown = 50;                             # entries

if ($ENV{REQUEST_METHOD} eq 'POST') {
    my %form = form();
    for my $key (keys %longest) {
        my $value = $form{$key} // '';
        refuse(400, 'Bad Request', "The $key is missing.") if $value !~ /\S/;
        refuse(400, 'Bad Request', "The $key is too long.") if length $value > $longest{$key};
    }
    add($form{name}, $form{text});
    # 303: the browser asks for the page by GET, so that a reload sends nothing twice.
    print "Status: 303 See Other\nLocation: $ENV{SCRIPT_NAME}\n\n";
} else {
    page(entries());
}

# The fields of an urlencoded form, as text.
sub form {
    my $length = $ENV{CONTENT_LENGTH} || 0;
    refuse(413, 'Content Too Large', 'That is too much for one entry.') if $length > 10_000;
    my $body = '';
    read STDIN, $body, $length;
    my %form;
    for my $pair (split /&/, $body) {
        my ($key, $value) = map { unescape($_ // '') } (split /=/, $pair, 2)[0, 1];
        $form{$key} = $value;
    }
    return %form;
}

sub unescape {
    my ($text) = @_;
    $text =~ tr/+/ /;
    $text =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ge;
    utf8::decode($text) or refuse(400, 'Bad Request', 'That is not UTF-8.');
    return $text;
}

# Locked, so that entries of the same moment follow each other.
sub book {
    sysopen my $book, $file, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW, 0600 or die "$file: $!";
    -f $book && -o _ or die "$file is not a file of ours";
    flock $book, LOCK_EX or die "$file: $!";
    return $book;
}

sub add {
    my @fields = @_;
    my $book = book();
    refuse(507, 'Insufficient Storage', 'The book is full.') if -s $book > $most;
    for (@fields) { utf8::encode($_) }
    syswrite $book, join(' ', time, map { unpack 'H*', $_ } @fields) . "\n" or die "$file: $!";
}

# The latest, the newest first, each as [time, name, text].
sub entries {
    my $book = book();
    seek $book, 0, 0;
    my @lines = reverse <$book>;
    splice @lines, $shown if @lines > $shown;
    return map {
        my ($time, @fields) = split;
        for (@fields) { $_ = pack 'H*', $_; utf8::decode($_) }
        [$time, @fields];
    } @lines;
}

sub refuse {
    my ($status, $reason, $text) = @_;
    print "Status: $status $reason\nContent-Type: text/plain; charset=utf-8\n\n$text\n";
    exit;
}

# Whatever comes from a client is escaped before it stands in HTML.
sub escape {
    my ($text) = @_;
    my %entities = ('&' => '&amp;', '<' => '&lt;', '>' => '&gt;', '"' => '&quot;', "'" => '&#39;');
    $text =~ s/([&<>"'])/$entities{$1}/g;
    return $text;
}

sub page {
    binmode STDOUT, ':encoding(UTF-8)';
    my $entries = join "\n", map {
        my ($time, $name, $text) = @$_;
        my @date = localtime $time;
        my $when = sprintf '%04d-%02d-%02d %02d:%02d', $date[5] + 1900, $date[4] + 1, @date[3, 2, 1];
        sprintf '<li class="card"><h3>%s</h3><p>%s</p><span class="soft">%s</span></li>', escape($name), escape($text), $when;
    } @_;
    $entries ||= '<li class="card"><p>Nobody has written anything yet.</p></li>';
    print <<"END";
Content-Type: text/html; charset=utf-8
Cache-Control: no-store

<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Guest book \x{b7} Webserv</title>
<link rel="icon" href="/images/logo.svg" type="image/svg+xml">
<link rel="stylesheet" href="/style.css">
</head>
<body>
<main class="wrap">
<h1>Guest book</h1>
<form class="line" method="post" action="@{[escape($ENV{SCRIPT_NAME})]}">
<label>Your name <input name="name" required maxlength="$longest{name}" autocomplete="nickname"></label>
<label>What you want to say <input name="text" required maxlength="$longest{text}"></label>
<button type="submit">Write</button>
</form>
<ul class="cards">
$entries
</ul>
<p class="actions after"><a class="button quiet" href="/cgi.html">All programs</a></p>
</main>
</body>
</html>
END
}
