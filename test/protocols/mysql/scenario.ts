import { programsOf, statementSpans, type Scenario } from '../../support/scenario.ts';
import { startMariadb } from './server.ts';

const { program, runs } = programsOf('mysql');
/** Few: where the machine has no time left, the agent takes 2 % of a core. */
const ROUNDS = 10;

const { asked: shop, failed } = statementSpans('mariadb', 'shop');
const java = (url: string, count: number): string[] => [
  ...['java', '-Xmx256m', '-XX:+UseSerialGC', program('Client.java')],
  ...[`${url}/shop?useServerPrepStmts=true&useCursorFetch=true&sslMode=DISABLED`, String(count)],
];

export const scenario: Scenario = {
  protocol: 'mysql',
  start: startMariadb,
  clients: [
    {
      name: 'cli',
      count: 1,
      command: ({ host, port }) => ['sh', program('client.sh'), host, String(port)],
      expects: () => [
        shop('connect shop', 3),
        { name: 'connect missing', count: 1, errorType: '1049' },
        shop('CREATE TABLE cli', 1),
        shop('INSERT cli', 1),
        shop('SELECT cli', 1, { 'db.response.returned_rows': 1 }),
        shop('DROP TABLE cli', 1),
        failed('SELECT missing', 1, '1146'),
      ],
    },
    {
      name: 'node',
      count: ROUNDS,
      command: runs('node', 'client.cjs'),
      expects: (count) => [
        shop('connect shop', 2),
        shop('CREATE TABLE orders', 1),
        shop('INSERT orders', count, { 'db.query.text': 'INSERT INTO orders VALUES (?, ?)' }),
        shop('PREPARE SELECT orders', 1),
        shop('SELECT orders', count, { 'db.query.text': 'SELECT note FROM orders WHERE id = ?' }),
        failed('INSERT orders', count, '1062'),
        failed('shop', count, '1064'),
        shop('UPDATE orders SELECT orders', count),
        shop('START TRANSACTION', count),
        shop('PREPARE DELETE orders', 1),
        shop('DELETE orders', count),
        shop('ROLLBACK', count),
        shop('PING shop', count),
        shop('SELECT', count),
        shop('LOAD', 1, { 'db.query.text': 'LOAD DATA LOCAL INFILE ? INTO TABLE orders' }),
        { name: 'CHANGE_USER mysql', count: 1, attributes: { 'db.namespace': 'mysql' } },
        { name: 'STMT_CLOSE mysql', count: 2 },
        { name: 'USE shop', count: 1, attributes: { 'db.namespace': 'mysql' } },
        shop('DROP TABLE orders', 1),
        // Of the pipelining client.
        shop('SET NAMES', 1),
        shop('SELECT dual', 200, { 'db.response.returned_rows': 1 }),
      ],
    },
    {
      name: 'pymysql',
      count: ROUNDS,
      command: ({ host, port, count, folder }) => [
        ...['python3', program('client.py')],
        ...[host, String(port), String(count), folder],
      ],
      expects: (count) => [
        shop('connect shop', 1),
        failed('connect shop', 1, '1045'),
        shop('SET NAMES', 1),
        shop('SET AUTOCOMMIT', 1),
        shop('CREATE TABLE notes', 1),
        shop('CREATE PROCEDURE both_of', 1),
        shop('INSERT notes', count),
        shop('COMMIT', count),
        shop('SELECT notes', count, { 'db.response.returned_rows': 2 }),
        failed('INSERT notes', count, '1062'),
        shop('ROLLBACK', count),
        shop('CALL both_of', count),
        shop('PING shop', count),
        shop('LOAD', 1),
        { name: 'INIT_DB missing', count: 1, errorType: '1049' },
        shop('INIT_DB shop', 1),
        shop('DROP PROCEDURE both_of', 1),
        shop('DROP TABLE notes', 1),
      ],
    },
    {
      name: 'mariadb-jdbc',
      count: ROUNDS,
      command: ({ host, port, count }) => java(`jdbc:mariadb://${host}:${port}`, count),
      expects: (count) => [
        shop('connect shop', 1),
        shop('set sql_mode', 1),
        shop('CREATE TABLE parts', 1),
        shop('PREPARE INSERT parts', 1),
        // In bulk.
        shop('INSERT parts', count),
        failed('INSERT parts', 1, '1062'),
        shop('PREPARE SELECT parts', 2),
        shop('SELECT parts', 2 * count),
        shop('set autocommit', 2),
        shop('ROLLBACK', count),
        shop('DROP TABLE parts', 1),
      ],
    },
    {
      name: 'connector-j',
      count: ROUNDS,
      command: ({ host, port, count }) => java(`jdbc:mysql://${host}:${port}`, count),
      expects: (count) => [
        shop('connect shop', 1),
        shop('SELECT', 1),
        shop('SET character_set_results', 1),
        shop('SET autocommit', 3),
        shop('CREATE TABLE parts', 1),
        shop('PREPARE INSERT parts', 1),
        shop('INSERT parts', 10 * count),
        failed('INSERT parts', 1, '1062'),
        shop('PREPARE SELECT parts', 1 + count),
        // One by one, and of a cursor: none, four, four and two rows.
        shop('SELECT parts', count + 4 * count),
        shop('STMT_CLOSE shop', 2 + count),
        shop('ROLLBACK', count),
        shop('DROP TABLE parts', 1),
      ],
    },
  ],
};
