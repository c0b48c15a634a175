import assert from 'node:assert/strict';

import type { ProcessFacts } from '../../src/capture/facts.ts';
import { runtimeOf } from '../../src/capture/launch.ts';
import { parseContainer } from '../../src/enrich/container.ts';
import { overrideResolver } from '../../src/enrich/service-name/override.ts';
import { sanitizeName } from '../../src/enrich/service-name/service-name.ts';
import { nameService } from '../../src/enrich/service-resource.ts';

type Case = readonly [
  name: string,
  source: string,
  exe: string,
  argv: readonly string[],
  more?: Partial<ProcessFacts>,
];

const PY = '/usr/bin/python3.11';
const NODE = '/usr/bin/node';
const JAVA = '/usr/lib/jvm/java-17-openjdk-amd64/bin/java';
const RUBY = '/usr/bin/ruby3.1';

const java: Case[] = [
  ['checkout', 'java', JAVA, ['java', '-Xmx512m', '-jar', '/opt/checkout-1.4.2.jar']],
  ['checkout', 'java', JAVA, ['java', '-jar', 'checkout-1.4.2-SNAPSHOT.jar', '--server.port=80']],
  ['checkout', 'java', JAVA, ['java', '-jar', 'target/checkout-0.0.1-SNAPSHOT-exec.jar']],
  ['order-service', 'java', JAVA, ['java', '-jar', 'order-service-2.0.0.RELEASE-all.jar']],
  ['payments-v2', 'java', JAVA, ['java', '-jar', '/payments-v2.jar'], { cwd: '/' }],
  ['CheckoutServer', 'java', JAVA, ['java', '-cp', 'lib/*:classes', 'com.shop.CheckoutServer', '8080']],
  ['billing', 'java', JAVA, ['java', '-classpath', '/app/lib/*', 'com.shop.billing.Main']],
  ['Inventory', 'java', JAVA, ['java', '--module-path', 'mods', '-m', 'shop.inventory/com.shop.Inventory']],
  ['HelloServer', 'java', JAVA, ['java', 'HelloServer.java'.replace('.java', '')]],
  ['kafka', 'java', JAVA, ['java', '-Xmx1G', '-cp', '/opt/kafka/libs/*', 'kafka.Kafka', 'server.properties']],
  ['zookeeper', 'java', JAVA, ['java', 'org.apache.zookeeper.server.quorum.QuorumPeerMain', 'zoo.cfg']],
  ['cassandra', 'java', JAVA, ['java', '-ea', 'org.apache.cassandra.service.CassandraDaemon']],
  ['elasticsearch', 'java', JAVA, ['java', '-cp', 'x', 'org.elasticsearch.bootstrap.Elasticsearch']],
  [
    ...(['tomcat', 'java', JAVA] as const),
    [
      'java',
      '-Dcatalina.base=/opt/tomcat',
      '-Dcatalina.home=/opt/tomcat',
      'org.apache.catalina.startup.Bootstrap',
      'start',
    ],
  ],
  [
    ...(['shop-web', 'java', JAVA] as const),
    [
      'java',
      '-Dcatalina.base=/srv/shop-web',
      '-classpath',
      'b.jar',
      'org.apache.catalina.startup.Bootstrap',
      'start',
    ],
  ],
  [
    ...([
      'ShopApplication',
      'java',
      JAVA,
      ['java', 'org.springframework.boot.loader.launch.JarLauncher'],
    ] as const),
    { cwd: '/app', files: { 'manifest.Start-Class': 'com.shop.ShopApplication' } },
  ],
  ['catalog', 'java', JAVA, ['java', 'org.springframework.boot.loader.JarLauncher'], { cwd: '/srv/catalog' }],
  ['petclinic', 'java', JAVA, ['java', '-Dspring.application.name=petclinic', '-jar', 'app.jar']],
  [
    ...(['Pet Clinic', 'java', JAVA, ['java', '-jar', '/app.jar']] as const),
    { cwd: '/', files: { 'manifest.Implementation-Title': 'Pet Clinic', 'manifest.Main-Class': 'x.Y' } },
  ],
];

const node: Case[] = [
  ['orders', 'nodejs', NODE, ['node', '/srv/orders/orders.js']],
  [
    'orders-api',
    'nodejs',
    NODE,
    ['node', 'server.js'],
    { cwd: '/srv/o', files: { 'package.name': 'orders-api' } },
  ],
  ['shop', 'nodejs', NODE, ['node', '--max-old-space-size=512', 'dist/index.js'], { cwd: '/srv/shop' }],
  ['worker', 'nodejs', NODE, ['node', '-r', './tracing.js', 'worker.js'], { cwd: '/srv/shop' }],
  ['worker', 'nodejs', NODE, ['node', '--import', 'tsx', 'src/worker.ts'], { cwd: '/srv/shop' }],
  [
    'gateway',
    'nodejs',
    NODE,
    ['node', '/srv/gw/node_modules/.bin/tsx', 'watch', 'src/gateway.ts'],
    { cwd: '/srv/gw' },
  ],
  [
    'gateway',
    'nodejs',
    NODE,
    ['node', '/srv/gw/node_modules/tsx/dist/cli.mjs', 'gateway.ts'],
    { cwd: '/srv/gw' },
  ],
  [
    'api',
    'nodejs',
    NODE,
    ['node', '/srv/x/node_modules/.bin/ts-node', '-P', 'tsconfig.json', 'src/api.ts'],
    { cwd: '/srv/x' },
  ],
  [
    'api',
    'nodejs',
    NODE,
    ['node', '/usr/local/bin/nodemon', '--watch', 'src', 'src/api.js'],
    { cwd: '/srv/x' },
  ],
  ['storefront', 'nodejs', NODE, ['npm start', ''], { cwd: '/srv/storefront' }],
  ['storefront', 'nodejs', NODE, ['node', '/usr/bin/npm', 'run', 'start'], { cwd: '/srv/storefront' }],
  [
    'cart',
    'nodejs',
    NODE,
    ['node', '/usr/lib/node_modules/npm/bin/npm-cli.js', 'start'],
    { files: { 'package.name': 'cart' } },
  ],
  ['next', 'nodejs', NODE, ['node', '/app/node_modules/.bin/next', 'start'], { cwd: '/app' }],
  ['verdaccio', 'nodejs', NODE, ['node', '/usr/lib/node_modules/verdaccio/bin/verdaccio']],
  ['@scope/tool', 'nodejs', NODE, ['node', '/usr/lib/node_modules/@scope/tool/bin/tool.js']],
  [
    ...([
      'mailer',
      'nodejs',
      NODE,
      ['node', '/usr/lib/node_modules/pm2/lib/ProcessContainerFork.js'],
    ] as const),
    { environ: { pm_exec_path: '/srv/mailer/mailer.js' } },
  ],
  ['mailer', 'nodejs', NODE, ['node /srv/mailer/mailer.js', '', ''], { cwd: '/' }],
  ['billing-api', 'nodejs', NODE, ['billing-api'], { cwd: '/srv' }],
  ['tools', 'nodejs', NODE, ['node', '-e', 'require("http").createServer()'], { cwd: '/srv/tools' }],
];

const python: Case[] = [
  ['checkout', 'python', PY, ['python3', '/srv/shop/checkout.py', '--port', '80']],
  ['shop', 'python', PY, ['python3', '-u', 'app.py'], { cwd: '/srv/shop' }],
  ['http.server', 'python', PY, ['python3', '-m', 'http.server', '8000']],
  ['http.server', 'python', PY, ['python3', '-um', 'http.server', '8000']],
  ['shop.worker', 'python', PY, ['/srv/venv/bin/python', '-m', 'shop.worker']],
  [
    'shop',
    'python',
    PY,
    ['python3', '/usr/bin/gunicorn', '-w', '4', '-b', '0.0.0.0:80', 'shop.wsgi:application'],
  ],
  [
    'orders',
    'python',
    PY,
    ['/srv/venv/bin/python3', '/srv/venv/bin/gunicorn', 'app:app'],
    { cwd: '/srv/orders' },
  ],
  ['gunicorn', 'python', PY, ['python3', '/usr/bin/gunicorn', 'run'], { cwd: '/' }],
  ['catalog', 'python', PY, ['python3', '/usr/local/bin/uvicorn', 'catalog.main:app', '--host', '0.0.0.0']],
  ['catalog', 'python', PY, ['python3', '-m', 'uvicorn', '--factory', 'catalog.main:create_app']],
  ['search', 'python', PY, ['python3', '/usr/bin/hypercorn', 'search:app']],
  ['proj', 'python', PY, ['python3', '/usr/bin/celery', '-A', 'proj', 'worker', '-l', 'info']],
  ['proj', 'python', PY, ['python3', '-m', 'celery', '--app=proj.tasks', 'beat']],
  [
    'blog',
    'python',
    PY,
    ['python3', '/usr/bin/flask', 'run', '-p', '80'],
    { environ: { FLASK_APP: 'blog' } },
  ],
  ['blog', 'python', PY, ['python3', '-m', 'flask', '--app', 'blog.web:create', 'run']],
  ['bookshop', 'python', PY, ['python', 'manage.py', 'runserver', '0:80'], { cwd: '/srv/bookshop' }],
  [
    'bookshop',
    'python',
    PY,
    ['python', 'manage.py', 'runserver'],
    { environ: { DJANGO_SETTINGS_MODULE: 'bookshop.settings' } },
  ],
  ['tools', 'python', PY, ['python3', '-c', 'import http.server'], { cwd: '/srv/tools' }],
  ['agent', 'python', PY, ['python3', '-X', 'dev', '-W', 'ignore', 'agent.py'], { cwd: '/srv/x' }],
  ['shop', 'python', PY, ['python3', '/usr/bin/opentelemetry-instrument', 'gunicorn', 'shop:app']],
  [
    'report',
    'python',
    PY,
    ['python3', '/usr/bin/ddtrace-run', 'python', '-u', 'report.py'],
    { cwd: '/srv/x' },
  ],
  ['certbot', 'python', PY, ['/usr/bin/python3', '/usr/bin/certbot', 'renew']],
  ['shop', 'title', PY, ['gunicorn: master [shop.wsgi]']],
  ['shop', 'title', PY, ['gunicorn: worker [shop.wsgi:application]']],
];

const others: Case[] = [
  ['nginx', 'title', '/usr/sbin/nginx', ['nginx: worker process']],
  ['nginx', 'title', '/usr/sbin/nginx', ['nginx: master process /usr/sbin/nginx -g daemon on;']],
  ['nginx', 'executable', '/usr/sbin/nginx', ['nginx', '-g', 'daemon off;']],
  ['postgres', 'title', '/usr/lib/postgresql/15/bin/postgres', ['postgres: 15/main: checkpointer ']],
  [
    'postgres',
    'executable',
    '/usr/lib/postgresql/15/bin/postgres',
    ['/usr/lib/postgresql/15/bin/postgres', '-D', '/var'],
  ],
  ['php-fpm', 'title', '/usr/sbin/php-fpm8.2', ['php-fpm: pool www']],
  ['shop', 'title', '/usr/sbin/php-fpm8.2', ['php-fpm: pool shop']],
  ['php-fpm', 'title', '/usr/sbin/php-fpm8.2', ['php-fpm: master process (/etc/php/8.2/fpm/php-fpm.conf)']],
  ['import', 'php', '/usr/bin/php8.2', ['php', '-d', 'memory_limit=1G', '/srv/shop/import.php']],
  ['storefront', 'php', '/usr/bin/php8.2', ['php', 'artisan', 'queue:work'], { cwd: '/srv/storefront' }],
  ['storefront', 'php', '/usr/bin/php8.2', ['php', '-S', '0:80', '-t', 'public'], { cwd: '/srv/storefront' }],
  ['shop', 'ruby', RUBY, ['puma 6.4.0 (tcp://0.0.0.0:3000) [shop]']],
  ['shop', 'ruby', RUBY, ['puma: cluster worker 0: 17 [shop]']],
  ['shop', 'ruby', RUBY, ['ruby', 'bin/rails', 'server', '-p', '3000'], { cwd: '/srv/shop' }],
  ['shop', 'ruby', RUBY, ['unicorn master -c config/unicorn.rb -E production'], { cwd: '/srv/shop' }],
  ['import', 'ruby', RUBY, ['ruby', '-I', 'lib', 'import.rb'], { cwd: '/srv/x' }],
  ['mailgate', 'perl', '/usr/bin/perl', ['/usr/bin/perl', '-w', '/usr/local/bin/mailgate.pl']],
  [
    'Shop.Checkout',
    'dotnet',
    '/usr/share/dotnet/dotnet',
    ['dotnet', 'Shop.Checkout.dll', '--urls', 'http://+:80'],
  ],
  ['Shop', 'dotnet', '/usr/share/dotnet/dotnet', ['dotnet', 'run', '--project', 'src/Shop.csproj']],
  ['backup', 'shell', '/usr/bin/bash', ['/bin/bash', '/usr/local/bin/backup.sh', 'now']],
  ['deploy', 'shell', '/usr/bin/dash', ['sh', '-e', '/opt/ci/deploy.sh']],
  ['bash', 'executable', '/usr/bin/bash', ['-bash']],
  ['bash', 'executable', '/usr/bin/bash', ['bash', '-c', 'exec 3<>/dev/tcp/localhost/80']],
  ['server', 'deno', '/usr/bin/deno', ['deno', 'run', '--allow-net', 'server.ts'], { cwd: '/srv/edge' }],
  ['edge', 'deno', '/usr/bin/deno', ['deno', 'run', '-A', 'main.ts'], { cwd: '/srv/edge' }],
  ['worker', 'bun', '/usr/bin/bun', ['bun', 'run', 'worker.ts'], { cwd: '/srv/x' }],
  ['cart', 'bun', '/usr/bin/bun', ['bun', 'start'], { files: { 'package.name': 'cart' } }],
  [
    'rabbit',
    'erlang',
    '/usr/lib/erlang/erts-13/bin/beam.smp',
    ['beam.smp', '-W', 'w', '--', '-sname', 'rabbit@host'],
  ],
  [
    'chat',
    'erlang',
    '/app/erts/bin/beam.smp',
    ['beam.smp', '--', '-x'],
    { environ: { RELEASE_NAME: 'chat' } },
  ],
  ['httpd', 'busybox', '/bin/busybox', ['httpd', '-f', '-p', '80']],
  ['wget', 'busybox', '/bin/busybox', ['busybox', 'wget', '-O-', 'http://x']],
  ['entry', 'busybox', '/bin/busybox', ['/bin/sh', '/entry.sh']],
  ['shopd', 'executable', '/tmp/go-build3817/b001/exe/shopd', ['/tmp/go-build3817/b001/exe/shopd']],
  [
    'shop',
    'executable',
    '/tmp/go-build3817/b001/exe/main',
    ['/tmp/go-build3817/b001/exe/main'],
    { cwd: '/home/me/shop' },
  ],
  ['bash', 'executable', '/usr/bin/bash', ['bash', '/dev/fd/3']],
  ['loader', 'executable', '/memfd:x-91', ['bin/loader', '--x']],
  ['curl', 'executable', '/usr/bin/curl', ['curl', 'http://localhost/']],
  ['checkout', 'executable', '/srv/checkout/main', ['./main'], { cwd: '/srv/checkout' }],
  ['redis-server', 'executable', '/usr/bin/redis-server', ['redis-server *:6379']],
  // Debian's redis-server is a link to redis-check-rdb.
  ...[['/usr/bin/redis-server', '--port', '6380'], ['redis-server *:6380']].map((argv): Case => {
    return ['redis-server', 'executable', '/usr/bin/redis-check-rdb', argv, { comm: 'redis-server' }];
  }),
  ['dash', 'executable', '/usr/bin/dash', ['login'], { comm: 'dash' }],
  ['shop-1.2', 'executable', '/srv/shop-1.2', ['/srv/server'], { comm: 'server' }],
  [
    'a-name-of-more-than-15',
    'executable',
    '/x/y',
    ['/x/a-name-of-more-than-15'],
    { comm: 'a-name-of-more-' },
  ],
  ['sshd', 'title', '/usr/sbin/sshd', ['sshd: root@pts/0']],
];

const told: Case[] = [
  ['checkout', 'otel_service_name', PY, ['python3', 'x.py'], { environ: { OTEL_SERVICE_NAME: 'checkout' } }],
  [
    ...(['cart', 'otel_resource_attributes', PY, ['python3', 'x.py']] as const),
    { environ: { OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=prod,service.name=cart' } },
  ],
  ['pay', 'environment', NODE, ['node', 'x.js'], { environ: { DD_SERVICE: 'pay' } }],
  [
    ...(['checkout', 'kubernetes', NODE, ['node', 'x.js']] as const),
    { environ: { HOSTNAME: 'checkout-6d4cf56db6-x7k2p', KUBERNETES_SERVICE_HOST: '10.0.0.1' } },
  ],
  ['agent', 'kubernetes', NODE, ['node', 'x.js'], { environ: { POD_NAME: 'agent-x7k2p' } }],
  ['db', 'kubernetes', NODE, ['node', 'x.js'], { environ: { POD_NAME: 'db-0' } }],
  ['standalone', 'kubernetes', NODE, ['node', 'x.js'], { environ: { POD_NAME: 'standalone' } }],
  [
    'x',
    'nodejs',
    NODE,
    ['node', 'x.js'],
    { environ: { HOSTNAME: 'web' }, cgroup: `/docker/${'a1'.repeat(32)}` },
  ],
  [
    'x',
    'nodejs',
    NODE,
    ['node', 'x.js'],
    { environ: { HOSTNAME: 'a1a1a1a1a1a1' }, cgroup: `/docker/${'a1'.repeat(32)}` },
  ],
  [
    'x',
    'nodejs',
    NODE,
    ['node', 'x.js'],
    { environ: { HOSTNAME: 'thishost' }, cgroup: `/docker/${'a1'.repeat(32)}` },
  ],
  ['web1', 'container', NODE, ['node', 'x.js'], { cgroup: '/lxc.payload.web1/system.slice/x.service' }],
  [
    'nginx',
    'systemd',
    '/usr/sbin/nginx',
    ['nginx: worker process'],
    { cgroup: '/system.slice/nginx.service' },
  ],
  ['shop-api', 'systemd', NODE, ['node', 'x.js'], { cgroup: '/system.slice/shop\\x2dapi.service' }],
  [
    'postgresql',
    'systemd',
    '/x/postgres',
    ['postgres'],
    { cgroup: '/system.slice/system-postgresql.slice/postgresql@15-main.service' },
  ],
  [
    'x',
    'nodejs',
    NODE,
    ['node', 'x.js'],
    { cgroup: '/user.slice/user-1000.slice/user@1000.service/app.slice/x.service' },
  ],
  ['x', 'nodejs', NODE, ['node', 'x.js'], { cgroup: '/user.slice/user-0.slice/session-3.scope' }],
  ['x', 'nodejs', NODE, ['node', 'x.js'], { cgroup: '/system.slice/ssh.service' }],
  ['x', 'nodejs', NODE, ['node', 'x.js'], { cgroup: '/init.scope' }],
  ['dockerd', 'executable', '/usr/bin/dockerd', ['dockerd'], { cgroup: '/system.slice/docker.service' }],
  ['unknown_service', 'unknown', '', []],
];

describe('enrich/service-name', () => {
  for (const [title, cases] of Object.entries({ java, node, python, others, told })) {
    it(`names ${cases.length} real command lines (${title})`, () => {
      for (const [name, source, exe, argv, more] of cases) {
        const facts: ProcessFacts = { source: 'exec', argv: [...argv], ...(exe && { exe }), ...more };
        const process = {
          ...{ facts, runtime: runtimeOf(facts), hostName: 'thishost' },
          container: parseContainer(facts.cgroup),
        };
        assert.deepEqual(nameService(process), { name, source }, `${exe} ${argv.join(' ')}`);
      }
    });
  }

  it('has a table of more than 80 command lines', () => {
    assert.ok(java.length + node.length + python.length + others.length >= 80);
  });

  it('lets the configuration decide before everything else', () => {
    const facts: ProcessFacts = {
      ...{ source: 'exec', exe: '/opt/shop/bin/shopd', argv: ['shopd', '--tenant', 'blue'] },
      environ: { OTEL_SERVICE_NAME: 'other' },
    };
    const process = { facts, container: {}, runtime: undefined, hostName: '' };
    const named = (rule: Record<string, string>): string =>
      nameService(process, overrideResolver([{ name: 'mine', ...rule }])).name;
    assert.equal(named({ executable: 'shop*' }), 'mine');
    assert.equal(named({ executable: '/opt/*/shopd' }), 'mine');
    assert.equal(named({ executable: 'opt*' }), 'other');
    assert.equal(named({ command: '*--tenant blue*' }), 'mine');
    assert.equal(named({ executable: 'shopd', command: '*green*' }), 'other');
    assert.equal(named({}), 'other');
  });

  it('cleans names of what no name should hold', () => {
    assert.equal(sanitizeName(' "shop"\n'), 'shop');
    assert.equal(sanitizeName('a\u0000b\tc'), 'a b c');
    assert.equal(sanitizeName('\u0001'), undefined);
    assert.equal(sanitizeName('x'.repeat(1000))?.length, 100);
  });
});
