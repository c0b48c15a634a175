import assert from 'node:assert/strict';

import { RouteTable, isParameter } from '../../src/enrich/route.ts';

function routesOf(paths: string[], table = new RouteTable()): Array<string | undefined> {
  return paths.map((path) => table.route('shop', path, true)?.route);
}

describe('enrich/route', () => {
  it('takes values for parameters by their shape', () => {
    for (const value of [
      ...['0', '42', '-7', '1234567890', '3.14', '1,2', '2024-01-05', '20240105', '12_34'],
      ...['550e8400-e29b-41d4-a716-446655440000', '{550e8400-e29b-41d4-a716-446655440000}'],
      ...[
        '507f1f77bcf86cd799439011',
        'da39a3ee5e6b4b0d3255bfef95601890afd80709',
        '0x1f4a9c3b',
        'deadbeefdeadbeef',
      ],
      ...[
        'dQw4w9WgXcQ',
        '01ARZ3NDEKTSV4RRFFQ69G5FAV',
        'cjld2cjxh0000qzrmn831i7rn',
        'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9',
      ],
      ...['order-17', 'user1234', 'ord_98765', 'me@example.com', 'a%20b', 'x'.repeat(41), 'inv-2024-0001'],
    ]) {
      assert.equal(isParameter(value), true, value);
    }
  });

  it('takes names for names', () => {
    for (const name of [
      ...[
        'users',
        'v1',
        'v2.1',
        'v1beta1',
        'oauth2',
        's3',
        'i18n',
        'base64',
        'utf8',
        'mp3',
        'x509',
        'http2',
        'log4j',
      ],
      ...[
        'getUserById',
        'AccountSettingsPage',
        'add',
        'face',
        'cafe',
        'decade',
        'facade',
        'sign-in',
        'my_orders',
        'k8s',
      ],
      ...[
        'healthz',
        '.well-known',
        '_search',
        'wp-content',
        'opentelemetry.proto.collector.trace.v1.TraceService',
      ],
      ...['sitemap', 'robots', 'authentication', 'internationalization'],
    ]) {
      assert.equal(isParameter(name), false, name);
    }
  });

  it('learns routes', () => {
    assert.deepEqual(
      routesOf([
        '/',
        '/users/42',
        '/users/43/orders/7',
        '/users/42/',
        '//users//9',
        '/v1/items/550e8400-e29b-41d4-a716-446655440000',
        '/img/12345.png',
        '/static/app.3f2a9c81.js',
        '/static/site.css',
        '/cart;jsessionid=ABC123DEF/view',
        '/.well-known/openid-configuration',
      ]),
      [
        '/',
        '/users/{id}',
        '/users/{id}/orders/{id}',
        '/users/{id}',
        '/users/{id}',
        '/v1/items/{id}',
        '/img/{id}.png',
        '/static/{id}.js',
        '/static/site.css',
        '/cart/view',
        '/.well-known/openid-configuration',
      ],
    );
  });

  it('makes a parameter of a segment with too many values, and keeps the ones that are asked for often', () => {
    const table = new RouteTable();
    const names = Array.from(
      { length: 200 },
      (_, n) => `slug-${String.fromCharCode(97 + (n % 26), 97 + ((n / 26) | 0))}`,
    );
    for (let n = 0; n < names.length; n++) {
      table.route('shop', `/blog/${names[n]}/comments`, true);
      table.route('shop', '/blog/latest/comments', true);
    }
    assert.deepEqual(routesOf(['/blog/never-seen/comments', `/blog/${names[0]}/comments`], table), [
      '/blog/{id}/comments',
      '/blog/{id}/comments',
    ]);
    assert.equal(table.route('shop', '/blog/latest/comments', true)?.route, '/blog/latest/comments');
    assert.equal(table.overflows, 0);
  });

  it('keeps extensions when it makes a parameter', () => {
    const table = new RouteTable({ maxValues: 5 });
    const name = (n: number): string => String.fromCharCode(97 + (n % 26), 98, 97 + ((n / 26) | 0));
    for (let n = 0; n < 50; n++) table.route('shop', `/p/${name(n)}.html`, true);
    assert.equal(table.route('shop', '/p/new.html', true)?.route, '/p/{id}.html');
  });

  it('gives a service no more routes than it may have, and then none', () => {
    const table = new RouteTable({ maxRoutes: 10 });
    const seen = new Set<string | undefined>();
    let without = 0;
    for (let a = 0; a < 26; a++) {
      for (let b = 0; b < 26; b++) {
        const path = `/${String.fromCharCode(97 + a)}/${String.fromCharCode(97 + b)}`;
        const route = table.route('shop', path, true)?.route;
        seen.add(route);
        if (route === undefined) without++;
      }
    }
    assert.equal(table.overflows, without);
    assert.ok(seen.has(undefined));
    assert.ok(seen.size <= 11, String(seen.size));
    assert.equal(table.route('other', '/still/fine', true)?.route, '/still/fine');
  });

  it('counts requests whose paths it has no room to learn', () => {
    const table = new RouteTable({ maxRoutes: Infinity, maxValues: Infinity });
    const letters = (n: number): string =>
      String.fromCharCode(97 + (n % 26), 97 + (Math.floor(n / 26) % 26), 97 + Math.floor(n / 676));
    const found = Array.from({ length: 5000 }, (_, n) => table.route('shop', `/${letters(n)}`, true));
    const without = found.filter((match) => match === undefined).length;
    assert.ok(without > 0 && without < 5000);
    assert.equal(table.overflows, without);
  });

  it('is bounded whatever paths a stranger makes up', () => {
    const table = new RouteTable();
    const seen = new Set<string | undefined>();
    let seed = 1;
    const letter = (): string => {
      seed = (Math.imul(seed, 1664525) + 1013904223) | 0;
      return String.fromCharCode(97 + ((seed >>> 16) % 26));
    };
    for (let n = 0; n < 30_000; n++) {
      const path = Array.from({ length: 1 + (n % 15) }, () => letter() + letter() + letter()).join('/');
      seen.add(table.route(`service-${n % 2}`, `/${path}`, true)?.route);
    }
    // What was named before segments turned out to be parameters included.
    assert.ok(seen.size <= 1201, String(seen.size));
  });

  it('learns nothing from what the service does not know, and still finds what it does', () => {
    const table = new RouteTable();
    assert.equal(table.route('shop', '/wp-login.php', false), undefined);
    assert.equal(table.route('shop', '/users/1', true)?.route, '/users/{id}');
    assert.equal(table.route('shop', '/users/2', false)?.route, '/users/{id}');
    assert.equal(table.route('shop', '/wp-login.php', false), undefined);
  });

  it('believes configured patterns first and says so', () => {
    const table = new RouteTable({ patterns: ['/users/{name}', '/files/**', '/a/*/c', '/exact'] });
    const found = (path: string): string => {
      const match = table.route('shop', path, true);
      return `${match?.route} ${match?.source}`;
    };
    assert.equal(found('/users/alice'), '/users/{name} config');
    assert.equal(found('/files/x/y/z'), '/files/** config');
    assert.equal(found('/a/b/c'), '/a/*/c config');
    assert.equal(found('/exact'), '/exact config');
    assert.equal(found('/users/alice/orders'), '/users/alice/orders learned');
    assert.equal(table.configured('/nothing'), undefined);
  });

  it('has no route for what is no path', () => {
    const table = new RouteTable();
    assert.equal(table.route('shop', '*', true), undefined);
    assert.equal(table.route('shop', 'example.com:443', true), undefined);
  });

  it('gives the same routes for the same order of requests', () => {
    const paths = Array.from(
      { length: 5000 },
      (_, n) => `/a${n % 7}/${String.fromCharCode(97 + (n % 26), 97 + (n % 23))}/x`,
    );
    assert.deepEqual(routesOf(paths), routesOf(paths));
  });

  it('gives one object a route, so that span names are made once', () => {
    const table = new RouteTable();
    assert.equal(table.route('shop', '/users/1', true), table.route('shop', '/users/2', true));
  });
});
