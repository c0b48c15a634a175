<?php
// What is asked for says how it is answered: ?size=N bytes, ?status=N, ?stderr, ?throw; a body is sent back.
if (isset($_GET['status'])) http_response_code((int) $_GET['status']);
if (isset($_GET['stderr'])) error_log('something to look at');
if (isset($_GET['throw'])) throw new RuntimeException('this is never right');
header('Content-Type: text/plain');
echo str_repeat('x', (int) ($_GET['size'] ?? 10));
readfile('php://input');
