import { connectionAttributes } from '../connection-attributes.ts';
import type { Attributes, Description, Exchange } from '../exchange.ts';

/** What a request to an SQL database says of itself. */
export interface SqlRequest {
  /** The database that the connection is in, where that is known. */
  readonly database: string | undefined;
  /** What is asked for, where that is no query: `connect`. */
  readonly operation: string | undefined;
  readonly text: string | undefined;
  readonly summary: string | undefined;
  /** Operations of a batch; undefined: it is none. */
  readonly batch: number | undefined;
}

/** What the server says to it. */
export interface SqlResponse {
  /** `db.response.status_code`: of an error. */
  readonly code: string | undefined;
  readonly rows: number | undefined;
}

/** Spans by the semantic conventions 1.44 for SQL databases; `error.type` is the code of the server. */
export function describeSql(
  exchange: Exchange,
  system: string,
  request: SqlRequest,
  response: SqlResponse | undefined,
): Description {
  const { database, operation, text, summary, batch } = request;
  const attributes: Attributes = connectionAttributes(exchange);
  attributes['db.system.name'] = system;
  if (database !== undefined) attributes['db.namespace'] = database;
  if (operation !== undefined) attributes['db.operation.name'] = operation;
  if (summary !== undefined) attributes['db.query.summary'] = summary;
  if (text !== undefined) attributes['db.query.text'] = text;
  if (batch !== undefined) attributes['db.operation.batch.size'] = batch;
  const code = response?.code;
  if (code !== undefined) attributes['db.response.status_code'] = code;
  if (response?.rows !== undefined) attributes['db.response.returned_rows'] = response.rows;
  const errorType = exchange.failure ?? code;
  if (errorType !== undefined) attributes['error.type'] = errorType;
  return { name: nameOf(request, system), attributes, errorType };
}

function nameOf({ summary, operation, database }: SqlRequest, system: string): string {
  if (summary !== undefined) return summary;
  if (operation === undefined) return database ?? system;
  return database === undefined ? operation : `${operation} ${database}`;
}
