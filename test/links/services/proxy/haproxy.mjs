// HAProxy as a proxy: one hop to the first back end over its pool of connections. The fresh id is a UUID. Usage: ../../README.md.
import { runProxy } from './run-proxy.mjs';

await runProxy({
  command: (file) => ['haproxy', '-db', '-f', file],
  // Said at every orderly end.
  isExpected: (line) => /Proxy \S+ stopped/.test(line),
  quit: 'SIGUSR1',
  configure: ({ port, upstream }) => `
global
  nbthread 2
  log stdout format raw local0 info
defaults
  mode http
  # A connection without a request is no hop.
  option dontlognull
  log global
  timeout client 5m
  timeout server 5m
  timeout connect 5s
frontend front
  bind 127.0.0.1:${port} backlog 4096
  http-request set-var(txn.old) path,field(-1,/)
  http-request set-var(txn.new) uuid()
  http-request set-path /w/%[path,field(3,/)]/a/%[var(txn.new)]
  log-format "truth %[var(txn.old)] %[var(txn.new)]"
  default_backend back
backend back
  http-reuse always
  server one 127.0.0.1:${upstream}
`,
});
