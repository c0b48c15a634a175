import { ScenarioServer, programsOf, type Scenario } from '../../support/scenario.ts';

const { program, runs } = programsOf('http-databases');
const found = { 'db.collection.name': 'products', 'db.operation.parameter.index': 'products' };

/** Elasticsearch, OpenSearch and ClickHouse over HTTP. The clients are theirs; the server is a stand-in for all three (server.cjs). */
export const scenario: Scenario = {
  protocol: 'http',
  start: (place) => ScenarioServer.start(['node', program('server.cjs'), String(place.port)], place),
  clients: [
    {
      name: 'node',
      command: runs('node', 'client.cjs'),
      expects: (count) => [
        { name: 'indices.create products', count: 1, attributes: { 'db.system.name': 'elasticsearch' } },
        {
          name: 'index products',
          count,
          attributes: { ...found, 'db.operation.parameter.id': '1', 'db.response.status_code': '201' },
        },
        { name: 'search products', count, attributes: { ...found, 'http.request.method': 'POST' } },
        { name: 'bulk', count, attributes: { 'db.collection.name': undefined } },
        { name: 'get products', count, errorType: '404', servingErrorType: null },
        {
          name: 'INSERT visits',
          count,
          attributes: { 'db.system.name': 'clickhouse', 'db.namespace': 'shop' },
        },
        { name: 'shop', count, attributes: { 'db.query.text': undefined } },
        {
          name: 'shop',
          count,
          errorType: '60',
          attributes: { 'db.response.status_code': '60' },
        },
      ],
    },
    {
      name: 'python',
      command: runs('python3', 'client.py'),
      expects: (count) => [
        { name: 'index products', count, attributes: { ...found, 'db.system.name': 'opensearch' } },
        { name: 'search products', count, attributes: found },
        { name: 'cat.indices', count },
        { name: 'get products', count, errorType: '404', servingErrorType: null },
        {
          name: 'SELECT visits',
          count,
          attributes: { 'db.query.text': 'SELECT n FROM visits WHERE who = ?', 'db.namespace': 'shop' },
        },
        { name: 'SELECT missing', count, errorType: '60' },
      ],
    },
  ],
};
