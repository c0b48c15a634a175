import { connectionAttributes } from '../connection-attributes.ts';
import type { Attributes, Description, Exchange } from '../exchange.ts';
import { ANSI } from '../sql-scanner.ts';
import type { SqlText, SqlTexts } from '../sql.ts';
import { Opcode, REQUESTS } from './cassandra-frame.ts';
import type { CqlRequest, CqlResponse } from './cassandra-message.ts';

/** Consistency levels (native_protocol_v4.spec, 3) as the conventions write them. */
const CONSISTENCIES = [
  ...['any', 'one', 'two', 'three', 'quorum', 'all', 'local_quorum', 'each_quorum', 'serial'],
  ...['local_serial', 'local_one'],
];

/** What can be asked of a text: the others have none. */
const ON_TEXT: ReadonlySet<number> = new Set([Opcode.query, Opcode.prepare, Opcode.execute, Opcode.batch]);

/**
 * CQL spans by the semantic conventions 1.44, named by the summary of the text where it is known, else by the operation of the protocol.
 */
export function describe(exchange: Exchange, texts: SqlTexts, limit: number): Description {
  const request = exchange.request as CqlRequest;
  const response = exchange.response as CqlResponse | undefined;
  const { opcode, keyspace, consistency, pageSize, batchSize, compression } = request;
  const operation = REQUESTS.get(opcode)!;
  const attributes = connectionAttributes(exchange);
  attributes['db.system.name'] = 'cassandra';
  const summary = ON_TEXT.has(opcode) ? describeText(attributes, request, texts, limit) : undefined;
  if (!ON_TEXT.has(opcode)) attributes['db.operation.name'] = operation;
  if (keyspace !== undefined) attributes['db.namespace'] = keyspace;
  const level = consistency === undefined ? undefined : CONSISTENCIES[consistency];
  if (level !== undefined) attributes['cassandra.consistency.level'] = level;
  if (pageSize !== undefined) attributes['cassandra.page.size'] = pageSize;
  // One is no batch.
  if (batchSize !== undefined && batchSize > 1) attributes['db.operation.batch.size'] = batchSize;
  if (compression !== undefined) attributes['undertrace.cassandra.compression'] = compression;
  const code = response?.code === undefined ? undefined : statusCode(response.code);
  if (code !== undefined) attributes['db.response.status_code'] = code;
  return { name: summary ?? operation, attributes, errorType: exchange.failure ?? code };
}

/** Returns the summary. */
function describeText(
  attributes: Attributes,
  request: CqlRequest,
  texts: SqlTexts,
  limit: number,
): string | undefined {
  const { opcode, text, truncated } = request;
  const shown: SqlText | undefined = text === undefined ? request.statement : texts.of(text, ANSI, truncated);
  if (shown?.text !== undefined) attributes['db.query.text'] = shown.text.slice(0, limit);
  if (shown?.summary === undefined) return undefined;
  const summary = opcode === Opcode.prepare ? `PREPARE ${shown.summary}` : shown.summary;
  attributes['db.query.summary'] = summary;
  return summary;
}

/** As the protocol's specification writes them: `0x2200`. */
function statusCode(code: number): string {
  return `0x${(code >>> 0).toString(16).padStart(4, '0').toUpperCase()}`;
}
