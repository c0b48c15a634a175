// nginx as a proxy: one hop to the first back end over a pool of kept connections. The fresh id is nginx's own $request_id. Usage:
// ../../README.md.
import { runProxy } from './run-proxy.mjs';

await runProxy({
  command: (file) => ['nginx', '-c', file, '-e', 'stderr'],
  quit: 'SIGQUIT',
  configure: ({ port, upstream, folder, log }) => `
worker_processes 2;
daemon off;
pid ${folder}/pid;
error_log stderr;
${process.getuid() === 0 ? 'user root;' : ''}
events { worker_connections 4096; }
http {
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder}/${name};`).join(' ')}
  keepalive_requests 10000000;
  keepalive_timeout 300s;
  log_format truth "truth $old $request_id";
  upstream back_end {
    server 127.0.0.1:${upstream};
    keepalive 256;
    keepalive_requests 10000000;
  }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location ~ ^(?<run>/w/[^/]+)/[^/]+/(?<old>[^/]+)$ {
      access_log ${log} truth buffer=64k;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_pass http://back_end$run/a/$request_id;
    }
  }
}
`,
});
