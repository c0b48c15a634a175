import assert from 'node:assert/strict';
import { searchOperation } from '../../../src/decode/protocol/search-api.ts';
import { createDecoders } from '../../../src/decode/protocol/index.ts';
import type { DecoderOptions } from '../../../src/decode/protocol/index.ts';
import { Decoding } from '../../support/decoding.ts';
import { RecordWriter, TestEnd } from '../../support/records.ts';

describe('decode/search-api', () => {
  const cases: ReadonlyArray<[request: string, operation: string | undefined]> = [
    ['GET /', 'info'],
    ['HEAD /', 'ping'],
    ['PUT /orders', 'indices.create orders'],
    ['HEAD /orders', 'indices.exists orders'],
    ['DELETE /orders', 'indices.delete orders'],
    ['POST /orders/_doc', 'index orders'],
    ['PUT /orders/_doc/7', 'index orders 7'],
    ['GET /orders/_doc/a%2Fb', 'get orders a/b'],
    ['GET /orders/_doc/%E0%A4', 'get orders %E0%A4'],
    ['DELETE /orders/_doc/7', 'delete orders 7'],
    ['PUT /orders/_create/7', 'create orders 7'],
    ['POST /orders/_update/7', 'update orders 7'],
    ['POST /orders,visits/_search', 'search orders,visits'],
    ['POST /_search', 'search'],
    ['POST /_search/scroll', 'scroll'],
    ['DELETE /_search/scroll', 'clear_scroll'],
    ['POST /_bulk', 'bulk'],
    ['POST /orders/_bulk', 'bulk orders'],
    ['GET /orders/_mapping', 'indices.get_mapping orders'],
    ['PUT /_index_template/logs', 'indices.put_index_template'],
    ['POST /_aliases', 'indices.update_aliases'],
    ['GET /_cat/indices/orders', 'cat.indices'],
    ['GET /_cluster/health', 'cluster.health'],
    ['GET /_nodes/_all/stats', 'nodes.all'],
    ['GET /_ml/anomaly_detectors/1', 'ml.anomaly_detectors'],
    ['POST /orders/_refresh', 'indices.refresh orders'],
    ['GET /_xpack', 'xpack'],
    ['GET /_Odd1', undefined],
    ['PATCH /orders', undefined],
    ['GET /orders/unknown', undefined],
  ];
  for (const [request, expected] of cases)
    it(`calls ${request} ${expected ?? 'nothing'}`, () => {
      const [method, path] = request.split(' ') as [string, string];
      const found = searchOperation(method, path);
      const said = found && [found.operation, found.index, found.id].filter((part) => part !== '').join(' ');
      assert.equal(said, expected);
    });
});

const URL = "/?query=SELECT+*+FROM+t+WHERE+a='secret'&param_Id=secret&database=shop";
const REQUEST = `GET ${URL} HTTP/1.1\r\nHost: db:8123\r\n\r\n`;

/** Attributes and name of what a server has answered, or has not, to the statement in the URL. */
function describeAnswer(
  fields: string | undefined,
  mode: DecoderOptions['queryText']['mode'] = 'sanitized',
): Record<string, unknown> {
  const writer = new RecordWriter();
  const end = new TestEnd(writer, { accepted: true, remotePort: 4000 }).receive(REQUEST);
  if (fields === undefined) end.event('destroyed', { tcp_state: 7, result: -104 });
  else end.send(`HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n${fields}\r\n`);
  // Longer than anything waits for a record that is late.
  for (let i = 0; i < 3; i++) writer.clock(writer.nowNs + 30e6);
  const decoding = new Decoding().feed(writer);
  const http = createDecoders({
    redactedQueryKeys: [],
    requestIdHeaders: [],
    queryText: { mode, limit: 100 },
  }).find(({ name }) => name === 'http')!;
  const { name, attributes } = http.describe(decoding.closed[0]!);
  return { name, ...attributes };
}

describe('decode/http-database', () => {
  it('shows no literal of a statement in a URL once the server says that it is ClickHouse', () => {
    const span = describeAnswer('X-ClickHouse-Query-Id: 1\r\nX-ClickHouse-Exception-Code: 241\r\n');
    assert.equal(span['name'], 'SELECT t');
    assert.equal(span['db.query.text'], 'SELECT * FROM t WHERE a=?');
    assert.equal(span['db.namespace'], 'shop');
    assert.equal(span['error.type'], '241');
    assert.equal(span['url.query'], 'query=REDACTED&param_Id=REDACTED&database=shop');
  });

  it('shows the statement as it was where all of it may be shown', () => {
    const span = describeAnswer('X-ClickHouse-Summary: {}\r\n', 'full');
    assert.equal(span['db.query.text'], "SELECT * FROM t WHERE a='secret'");
    assert.equal(span['error.type'], '500');
  });

  it('shows no literal of it where nobody has answered', () => {
    const span = describeAnswer(undefined);
    assert.equal(span['error.type'], 'connection_reset');
    assert.equal(span['url.query'], 'query=REDACTED&param_Id=REDACTED&database=shop');
  });

  it('shows no literal of it where the head of the response was not seen to its end', () => {
    const writer = new RecordWriter();
    const head = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Click';
    new TestEnd(writer, { accepted: true, remotePort: 4000 })
      .receive(REQUEST)
      .send(head, { beyond: 20 })
      .event('destroyed', { tcp_state: 7, result: -104 });
    for (let i = 0; i < 3; i++) writer.clock(writer.nowNs + 30e6);
    const decoding = new Decoding().feed(writer);
    const { attributes } = decoding.describe(decoding.closed[0]!);
    assert.equal(attributes['http.response.status_code'], 200);
    assert.equal(attributes['url.query'], 'query=REDACTED&param_Id=REDACTED&database=shop');
  });

  it('believes the server alone, not the path', () => {
    const span = describeAnswer('X-Elastic-Product: Kibana\r\n');
    assert.equal(span['db.system.name'], undefined);
    assert.equal(span['name'], 'GET');
  });
});
