// Answers as Elasticsearch, OpenSearch and ClickHouse do, as far as their clients ask here: PORT.
const { createServer } = require('node:http');

const DOCUMENT = { _index: 'products', _id: '1', _version: 1, _seq_no: 0, _primary_term: 1 };
const HITS = {
  total: { value: 1, relation: 'eq' },
  max_score: 1,
  hits: [{ ...DOCUMENT, _source: { price: 5 } }],
};

/** Of the search engines' API: status and body. */
function searched(method, path) {
  const [first, second, third] = path.split('/').slice(1);
  if (path === '/') return [200, { name: 'one', cluster_name: 'one', version: { number: '9.0.0' } }];
  if (first === '_bulk') return [200, { took: 1, errors: false, items: [] }];
  if (first === '_cat') return [200, [{ index: 'products', health: 'green' }]];
  if (second === '_search') return [200, { took: 1, timed_out: false, hits: HITS }];
  if (second === '_doc' && method === 'PUT') return [201, { ...DOCUMENT, result: 'created' }];
  if (second === '_doc' && third === '1') return [200, { ...DOCUMENT, found: true, _source: { price: 5 } }];
  if (second === '_doc') return [404, { _index: first, _id: third, found: false }];
  if (second === undefined && method === 'PUT') return [200, { acknowledged: true, index: first }];
  return [400, { error: { type: 'illegal_argument_exception', reason: path }, status: 400 }];
}

function answerSearch(response, method, path, product) {
  const [status, body] = searched(method, path);
  response.writeHead(status, {
    'content-type': 'application/json',
    ...(product === 'opensearch'
      ? { 'x-opensearch-version': 'OpenSearch/3.2.0 (opensearch)' }
      : { 'x-elastic-product': 'Elasticsearch' }),
  });
  response.end(method === 'HEAD' ? undefined : JSON.stringify(body));
}

function answerClickhouse(response, url, text) {
  if (url.pathname === '/ping') {
    response.writeHead(200, { 'content-type': 'text/html; charset=UTF-8' });
    return response.end('Ok.\n');
  }
  const statement = `${url.searchParams.get('query') ?? ''}${text}`;
  const head = { 'x-clickhouse-server-display-name': 'one', 'x-clickhouse-query-id': 'c0ffee' };
  if (statement.includes('missing')) {
    response.writeHead(404, { ...head, 'x-clickhouse-exception-code': '60' });
    return response.end("Code: 60. DB::Exception: Table default.missing doesn't exist. (UNKNOWN_TABLE)\n");
  }
  response.writeHead(200, { ...head, 'x-clickhouse-summary': '{"read_rows":"1"}' });
  response.end(statement.startsWith('INSERT') ? '' : '{"n":1}\n');
}

createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    const url = new URL(request.url, 'http://localhost');
    const [, product] = /^(opensearch|elastic)/.exec(request.headers['user-agent'] ?? '') ?? [];
    if (product === undefined) answerClickhouse(response, url, Buffer.concat(chunks).toString('latin1'));
    else answerSearch(response, request.method, url.pathname, product);
  });
}).listen(Number(process.argv[2]), '127.0.0.1');
