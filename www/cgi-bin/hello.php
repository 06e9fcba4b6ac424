#!/usr/bin/env php-cgi
<?php
header('Content-Type: text/html; charset=utf-8');
header('Cache-Control: no-store');
$name = is_string($_GET['name'] ?? null) ? $_GET['name'] : 'PHP';
?>
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Hello from PHP · Webserv</title>
<link rel="icon" href="/images/logo.svg" type="image/svg+xml">
<link rel="stylesheet" href="/style.css">
</head>
<body>
<main class="wrap">
<h1>Hello, <?= htmlspecialchars($name) ?>!</h1>
<p class="lead">PHP <?= PHP_VERSION ?> by <?= php_sapi_name() ?>. What follows the script in the path: <code><?= htmlspecialchars($_SERVER['PATH_INFO'] ?? '') ?></code></p>
<form class="line" method="get" action="<?= htmlspecialchars($_SERVER['SCRIPT_NAME']) ?>">
<label>Your name <input name="name" maxlength="80"></label>
<button type="submit">Greet me</button>
</form>
<p class="actions after"><a class="button quiet" href="/cgi.html">All programs</a></p>
</main>
</body>
</html>
