/** What a keyword does to the reading of a statement. */
export const Word = {
  other: 0,
  select: 1,
  /** INSERT, REPLACE, MERGE: a target after INTO, or without it. */
  insert: 2,
  update: 3,
  delete: 4,
  /** CREATE, ALTER, DROP, TRUNCATE: an object's kind and its name. */
  define: 5,
  /** CALL, USE, COPY, EXEC: a name. */
  named: 6,
  /** SET, SHOW, START: a word that says what. */
  said: 7,
  /** Of what follows nothing is told. */
  alone: 8,
  /** Another statement follows. */
  prefix: 9,
  with: 10,
  from: 11,
  join: 12,
  using: 13,
  /** Ends a list of tables. */
  listEnd: 14,
  /** Between a keyword and its target. */
  noise: 15,
} as const;
export type Word = (typeof Word)[keyof typeof Word];

export const WORDS = new Map<string, Word>();
function define(word: Word, names: string): void {
  for (const name of names.split(' ')) WORDS.set(name, word);
}
define(Word.select, 'SELECT');
define(Word.insert, 'INSERT REPLACE MERGE');
define(Word.update, 'UPDATE');
define(Word.delete, 'DELETE');
define(Word.define, 'CREATE ALTER DROP TRUNCATE');
define(Word.named, 'CALL USE COPY EXEC');
define(Word.said, 'SET SHOW START');
define(Word.alone, 'ABORT ANALYZE BATCH BEGIN CHECKPOINT CHECK CLOSE CLUSTER COMMENT COMMIT DEALLOCATE DESC');
define(Word.alone, 'DESCRIBE DISCARD DO END EXECUTE FETCH FLUSH GRANT HANDLER HELP IMPORT INSTALL KILL LIST');
define(
  Word.alone,
  'LISTEN LOAD LOCK MOVE NOTIFY OPTIMIZE PURGE REASSIGN REFRESH REINDEX RELEASE RENAME REPAIR',
);
define(Word.alone, 'RESET REVOKE ROLLBACK SAVEPOINT SECURITY SHUTDOWN SIGNAL STOP UNINSTALL UNLISTEN UNLOCK');
define(Word.alone, 'VACUUM VALUES XA IDENTIFY_SYSTEM CREATE_REPLICATION_SLOT DROP_REPLICATION_SLOT');
define(Word.alone, 'START_REPLICATION READ_REPLICATION_SLOT TIMELINE_HISTORY BASE_BACKUP');
define(Word.prefix, 'EXPLAIN PREPARE DECLARE');
define(Word.with, 'WITH');
define(Word.from, 'FROM');
define(Word.join, 'JOIN STRAIGHT_JOIN');
define(Word.using, 'USING');
define(Word.listEnd, 'WHERE GROUP ORDER HAVING LIMIT OFFSET WINDOW RETURNING PARTITION');
define(Word.noise, 'INTO ONLY LATERAL IF NOT EXISTS IGNORE LOW_PRIORITY HIGH_PRIORITY DELAYED QUICK OR');
define(Word.noise, 'FAIL OVERWRITE CONCURRENTLY BINARY TABLE');
/** Words that are two things: what they are where no statement is due. */
export const INSIDE = new Map<string, Word>([
  ['SET', Word.listEnd],
  ['FETCH', Word.listEnd],
  ['VALUES', Word.listEnd],
  ['ABORT', Word.noise],
  ['REPLACE', Word.noise],
]);
/** Kinds of objects, and whether the statement that makes one may hold a query. */
export const OBJECTS = new Map<string, boolean>([
  ['TABLE', true],
  ['VIEW', true],
]);
const OTHER_OBJECTS =
  'AGGREGATE CAST COLLATION CONVERSION DATABASE DOMAIN EVENT EXTENSION FUNCTION INDEX KEYSPACE LANGUAGE OPERATOR ' +
  'POLICY PROCEDURE PUBLICATION ROLE ROUTINE RULE SCHEMA SEQUENCE SERVER STATISTICS SUBSCRIPTION SYSTEM TABLESPACE ' +
  'TRIGGER TYPE USER';
for (const name of OTHER_OBJECTS.split(' ')) OBJECTS.set(name, false);
/** What may have statements of its own in its definition. */
export const BODIED = /^(EVENT|FUNCTION|PROCEDURE|RULE|TRIGGER)$/;
/** Defining words that a list of names may follow. */
export const LISTED = /^(DROP|TRUNCATE)$/;
export const OPTION = /^(ANALYZE|VERBOSE|EXTENDED)$/;
