import assert from 'node:assert/strict';
import { sanitizeSql, SqlTexts, summarizeSql } from '../../src/decode/sql.ts';
import { ANSI, MYSQL, MYSQL_PLAIN, POSTGRESQL, POSTGRESQL_ESCAPES } from '../../src/decode/sql-scanner.ts';
import { random } from '../support/random.ts';

const LIMIT = 1000;

describe('sanitizeSql', () => {
  const cases: Array<[string, string, typeof ANSI?]> = [
    [`SELECT a FROM t WHERE b = 'x''y' AND c = 1.5e-3`, 'SELECT a FROM t WHERE b = ? AND c = ?'],
    [`SELECT\n  a  -- why\nFROM t /* here */ WHERE b=$1`, 'SELECT a FROM t WHERE b=$1'],
    [`a IN (1, 2, 'x') AND b in ($1,$2) AND c IN (?)`, 'a IN (?) AND b in (?) AND c IN (?)'],
    [`a IN (SELECT 1) AND b IN ((1,2),(3,4)) AND c IN ()`, 'a IN (SELECT ?) AND b IN (?) AND c IN ()'],
    [`a IN (1, lower('x'))`, 'a IN (?, lower(?))'],
    [`SELECT 1; ;`, 'SELECT ?'],
    [`a = true OR b IS NULL`, 'a = ? OR b IS NULL'],
    [`VALUES (-1, 5-3, a-4, .5, 0x1F, 1_000)`, 'VALUES (?, ?-?, a-?, ?, ?, ?)'],
    [`SELECT t1.c2 FROM "t 1" WHERE x1 = 1`, 'SELECT t1.c2 FROM "t 1" WHERE x1 = ?'],
    [`id = 123e4567-e89b-12d3-a456-426614174000`, 'id = ?'],
    [`id = abcdefab-e89b-12d3-a456-426614174000, b = abcdefab - 1`, 'id = ?, b = abcdefab - ?'],
    [`SELECT $tag$ it's $$ $tag$, $1, $$x$$`, 'SELECT ?, $1, ?', POSTGRESQL],
    [`SELECT E'it\\'s', 'a\\', U&'x', B'1'`, 'SELECT ?, ?, ?, ?', POSTGRESQL],
    [`SELECT 'a\\'b'`, 'SELECT ?', POSTGRESQL_ESCAPES],
    [`a /* x /* y */ z */ b`, 'a b', POSTGRESQL],
    [`a /* x /* y */ b`, 'a b', MYSQL],
    [`a::int[] #> '{b}'`, 'a::int[] #> ?', POSTGRESQL],
    [
      `SELECT "it\\"s", 'a\\'b', \`c d\`, x'ab', b'1', _utf8'x', N'y'`,
      'SELECT ?, ?, `c d`, ?, ?, ?, ?',
      MYSQL,
    ],
    [`SELECT 'a\\', 1`, 'SELECT ?, ?', MYSQL_PLAIN],
    [`SELECT 5--3 # secret\n, 1 -- secret`, 'SELECT ?-? , ?', MYSQL],
    [`/*!40101 SET NAMES utf8 */; SELECT 1`, 'SET NAMES utf8 ; SELECT ?', MYSQL],
    [`SET PASSWORD FOR 'bob'@'%' = 'hunter2'`, 'SET PASSWORD FOR ?@? = ?', MYSQL],
    [`SELECT @a := 1, @@session.x`, 'SELECT @a := ?, @@session.x', MYSQL],
  ];
  for (const [text, expected, dialect] of cases)
    it(text, () => assert.equal(sanitizeSql(text, LIMIT, dialect), expected));

  it('shows nothing of a literal that was cut off', () => {
    const texts = [`a = 'sec`, `a = "sec`, `a = $x$sec`, `a = E'sec\\'`, `a = $se`, `IN ('sec`, `/* sec`];
    for (const text of texts)
      for (const dialect of [ANSI, POSTGRESQL, MYSQL])
        if (!(text.includes('$') && dialect === MYSQL))
          assert.ok(!sanitizeSql(text, LIMIT, dialect).includes('se'), text);
  });

  it('never shows a character of a string, wherever the text is cut', () => {
    const text = `SELECT "a", b FROM c WHERE d = 'QX''Z' AND e IN ('QX', E'Z\\'Q') AND f = $t$QXZ$t$ -- QXZ`;
    for (let end = 0; end <= text.length; end++)
      assert.doesNotMatch(sanitizeSql(text.slice(0, end), LIMIT, POSTGRESQL), /[QXZ]/);
  });

  it('keeps the limit, and characters whole', () => {
    assert.equal(sanitizeSql('SELECT abc', 8), 'SELECT a');
    assert.equal(sanitizeSql('SELECT \u{1f600}', 8), 'SELECT ');
    assert.equal(sanitizeSql('SELECT 1', 0), '');
  });

  it('takes any text, in time that grows with its length', () => {
    const next = random(7);
    const pieces = [
      `'`,
      `"`,
      '`',
      '$$',
      '$a',
      'IN (',
      ')',
      '/*',
      '*/',
      '--',
      '\n',
      'select ',
      'with ',
      '1',
      '\\',
      'E',
    ];
    for (let round = 0; round < 300; round++) {
      const text = Array.from({ length: 40 }, () => pieces[Math.floor(next() * pieces.length)]).join('');
      for (const dialect of [ANSI, POSTGRESQL, MYSQL]) {
        sanitizeSql(text, LIMIT, dialect);
        summarizeSql(text, dialect);
      }
    }
    for (const piece of ['/*', 'in (1,', '$a$ $b$', '(', `in ('a' `, 'with x as (', '/*/']) {
      const text = piece.repeat(200_000 / piece.length);
      const startNs = process.cpuUsage().user;
      sanitizeSql(text, 1e6, POSTGRESQL);
      summarizeSql(text, POSTGRESQL);
      assert.ok(process.cpuUsage().user - startNs < 3e6, piece);
    }
  });
});

describe('summarizeSql', () => {
  const cases: Array<[string, string]> = [
    ['SELECT *\nFROM wuser_table\nWHERE username = ?', 'SELECT wuser_table'],
    [
      'INSERT INTO shipping_details (a, b) SELECT a, b FROM orders WHERE a = ?',
      'INSERT shipping_details SELECT orders',
    ],
    ['SELECT * FROM songs, artists WHERE songs.artist_id == artists.id', 'SELECT songs artists'],
    [
      'SELECT a FROM (SELECT * FROM orders o JOIN customers c ON o.a = c.a)',
      'SELECT SELECT orders customers',
    ],
    [`SELECT * FROM "song list", 'artists'`, `SELECT "song list" 'artists'`],
    ['call some_stored_procedure(1)', 'call some_stored_procedure'],
    ['select 1', 'select'],
    ['SELECT a FROM s.t AS x LEFT OUTER JOIN "s"."u" y USING (id), v', 'SELECT s.t "s"."u" v'],
    ['SELECT EXTRACT(YEAR FROM x), a IS DISTINCT FROM b FROM t', 'SELECT t'],
    ['SELECT a FROM t WHERE b IN (SELECT c FROM u) ORDER BY d, e', 'SELECT t SELECT u'],
    ['SELECT a FROM t UNION ALL SELECT b FROM u FOR UPDATE', 'SELECT t SELECT u'],
    ['SELECT * FROM (VALUES (1), (2)) AS x(a)', 'SELECT'],
    [
      'WITH r AS (SELECT * FROM authors), q(a, b) AS (SELECT 1) SELECT * FROM r JOIN books ON 1',
      'SELECT authors SELECT SELECT books',
    ],
    ['WITH d AS (DELETE FROM a RETURNING *) INSERT INTO b SELECT * FROM d', 'DELETE a INSERT b SELECT'],
    ['INSERT INTO t (a) VALUES (1) ON CONFLICT (a) DO UPDATE SET a = 2', 'INSERT t'],
    ['INSERT IGNORE INTO t VALUES (1) ON DUPLICATE KEY UPDATE a = 1', 'INSERT t'],
    ['SELECT INSERT(a, 1, 2, b), REPLACE(c, 1, 2) FROM t', 'SELECT t'],
    ['UPDATE t SET a = (SELECT max(b) FROM u) FROM v WHERE 1', 'UPDATE t SELECT u v'],
    ['DELETE FROM t USING u, v WHERE t.a = u.a', 'DELETE t u v'],
    ['MERGE INTO t USING s ON a = b WHEN MATCHED THEN UPDATE SET c = 1', 'MERGE t s'],
    ['CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON t (a)', 'CREATE INDEX i'],
    ['CREATE OR REPLACE VIEW v AS SELECT a FROM t', 'CREATE VIEW v SELECT t'],
    ['DROP TABLE IF EXISTS a, b CASCADE', 'DROP TABLE a b'],
    ['truncate a, b', 'truncate a b'],
    ['CREATE PROCEDURE p() BEGIN INSERT INTO a VALUES (1); DELETE FROM b; END', 'CREATE PROCEDURE p'],
    ['BEGIN; SELECT a FROM t; COMMIT', 'BEGIN SELECT t COMMIT'],
    ['EXPLAIN (ANALYZE, BUFFERS) SELECT * FROM t', 'EXPLAIN SELECT t'],
    ['COPY t (a, b) FROM STDIN', 'COPY t'],
    ['SET search_path TO x', 'SET search_path'],
    ['GRANT SELECT (a, b), INSERT ON t TO u', 'GRANT'],
    ['SAVEPOINT generated_42', 'SAVEPOINT'],
    ['nothing that is known', ''],
    ['', ''],
  ];
  for (const [text, expected] of cases) it(text, () => assert.equal(summarizeSql(text), expected));

  it('does not take what MySQL takes for a string for a name', () => {
    assert.equal(summarizeSql('SELECT * FROM `a b`, "secret"', MYSQL), 'SELECT `a b`');
  });

  it('ends before the part that is too long', () => {
    const long = 'x'.repeat(200);
    assert.equal(summarizeSql(`SELECT * FROM ${long}, ${long}, a`), `SELECT ${long}`);
  });

  it('leaves out the last word of a text that was cut off', () => {
    assert.equal(summarizeSql('SELECT * FROM a, user', ANSI, true), 'SELECT a');
    assert.equal(summarizeSql('SELECT * FROM a, s.us', ANSI, true), 'SELECT a');
    assert.equal(summarizeSql('SELECT * FROM a, users ', ANSI, true), 'SELECT a users');
  });
});

describe('SqlTexts', () => {
  it('knows texts again, each dialect for itself, and keeps a bounded number', () => {
    const texts = new SqlTexts({ mode: 'sanitized', limit: LIMIT });
    const first = texts.of(`SELECT 'a\\', 1`, POSTGRESQL, false);
    assert.equal(texts.of(`SELECT 'a\\', 1`, POSTGRESQL, false), first);
    assert.equal(texts.of(`SELECT 'a\\', 1`, MYSQL, false).text, 'SELECT ?');
    for (let i = 0; i < 1000; i++) texts.of(`SELECT ${i}`, POSTGRESQL, false);
    assert.notEqual(texts.of(`SELECT 'a\\', 1`, POSTGRESQL, false), first);
  });

  it('shows as much as it is told to', () => {
    const of = (mode: 'off' | 'full'): unknown =>
      new SqlTexts({ mode, limit: 8 }).of('SELECT 12', ANSI, false);
    assert.deepEqual(
      { ...(of('off') as object), dialect: 0 },
      { text: undefined, summary: 'SELECT', dialect: 0 },
    );
    assert.deepEqual(
      { ...(of('full') as object), dialect: 0 },
      { text: 'SELECT 1', summary: 'SELECT', dialect: 0 },
    );
  });
});
