import type { Description, Exchange } from '../exchange.ts';
import { ANSI, type SqlDialect } from '../sql-scanner.ts';
import { SqlTexts } from '../sql.ts';
import type { HttpRequest, HttpResponse } from './http-message.ts';
import { DestinationNames, fail } from './messaging.ts';
import type { QueryTextOptions } from './index.ts';
import { redactQuery } from './redact.ts';
import { searchOperation } from './search-api.ts';

const CLICKHOUSE_SQL: SqlDialect = { ...ANSI, backslashes: true };
/** A statement as a parameter of a URL. */
const STATEMENT_IN_URL =
  /[?&]query=(?:%20|%0a|\+)*(?:select|insert|with|show|alter|create|drop|delete|update|optimize|describe|explain|truncate)(?:%20|%0a|\+)/i;
/** Parameters of ClickHouse that hold a statement, or a value for it; in lower case. */
const STATEMENT = /^(?:query|param_.*)$/;
/** Indices of which there are many, or one for each day: no name is made of them. */
const SEVERAL = /[,*]|[0-9]{3}/;
const CLICKHOUSE_PATHS = new Set(['ping', 'replicas_status']);

/**
 * Databases that are asked over HTTP. That it is one the server says itself (in its response), so there is no guess by ports or paths. The spans are those of
 * HTTP with what the conventions for databases add, and their names.
 */
export function createDatabaseDescriber(
  queryText: QueryTextOptions,
): (description: Description, exchange: Exchange) => Description {
  const texts = new SqlTexts(queryText);
  const names = new DestinationNames();
  const shown = queryText.mode === 'full';
  return (description, exchange) => {
    const request = exchange.request as HttpRequest;
    const response = exchange.response as HttpResponse | undefined;
    const database = response?.database;
    if (database === undefined) {
      // Who was asked is not known where the head of the response was not seen to its end: the URL is shown as one of ClickHouse would be.
      const isKnown = response !== undefined && !response.truncated;
      if (!isKnown && !shown && STATEMENT_IN_URL.test(request.target)) redactStatement(description, request);
      return description;
    }
    description.attributes['db.system.name'] = database.system;
    // The name is the operation's: there is no route to be learned.
    description.isRoute = true;
    if (database.system !== 'clickhouse') {
      describeSearch(description, request, names);
      return description;
    }
    describeClickhouse(description, request, texts);
    if (!shown) redactStatement(description, request);
    const { errorCode } = database;
    if (errorCode === '') return description;
    description.attributes['db.response.status_code'] = errorCode;
    return fail(description, exchange.failure ?? errorCode);
  };
}

/** Elasticsearch and OpenSearch, by the conventions for Elasticsearch 1.44. */
function describeSearch(description: Description, { method }: HttpRequest, names: DestinationNames): void {
  const { attributes, path } = description;
  const found = path === undefined ? undefined : searchOperation(method, path);
  if (found === undefined) return;
  const { operation, index, id } = found;
  attributes['db.operation.name'] = operation;
  if (index !== '') attributes['db.collection.name'] = attributes['db.operation.parameter.index'] = index;
  if (id !== '') attributes['db.operation.parameter.id'] = id;
  const status = attributes['http.response.status_code'];
  if (status !== undefined) attributes['db.response.status_code'] = String(status);
  const shown = index === '' || SEVERAL.test(index) ? '' : names.templateOf(index);
  description.name = shown === '' ? operation : `${operation} ${shown}`;
}

/** ClickHouse has no conventions of its own: those for SQL. A statement in the body is not seen. */
function describeClickhouse(description: Description, request: HttpRequest, texts: SqlTexts): void {
  const { attributes } = description;
  const parameters = parametersOf(request);
  const namespace = parameters.get('database');
  if (namespace !== null && namespace !== '') attributes['db.namespace'] = namespace;
  const { text, summary } = texts.of(parameters.get('query') ?? '', CLICKHOUSE_SQL, false);
  if (text !== undefined) attributes['db.query.text'] = text;
  if (summary !== undefined) attributes['db.query.summary'] = summary;
  const path = description.path?.slice(1) ?? '';
  if (CLICKHOUSE_PATHS.has(path)) attributes['db.operation.name'] = path;
  description.name = summary ?? (CLICKHOUSE_PATHS.has(path) ? path : (namespace ?? 'clickhouse'));
}

function parametersOf({ target }: HttpRequest): URLSearchParams {
  const mark = target.indexOf('?');
  return new URLSearchParams(mark < 0 ? '' : target.slice(mark + 1));
}

/** What a statement says is shown as `db.query.text` only. */
function redactStatement({ attributes }: Description, request: HttpRequest): void {
  const names = [...parametersOf(request).keys()].map((name) => name.toLowerCase());
  const keys = new Set(names.filter((name) => STATEMENT.test(name)));
  for (const key of ['url.full', 'url.query']) {
    const url = attributes[key];
    if (typeof url !== 'string') continue;
    const from = key === 'url.query' ? 0 : url.indexOf('?') + 1;
    if (key === 'url.query' || from > 0)
      attributes[key] = url.slice(0, from) + redactQuery(url.slice(from), keys);
  }
}
