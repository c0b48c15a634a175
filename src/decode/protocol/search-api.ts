/** What a request to Elasticsearch or OpenSearch is called. Elasticsearch's REST API specification names operations; those that documents are made and found with are known here. */

export interface SearchOperation {
  /** `search`, `indices.create`, `cat.indices`. */
  readonly operation: string;
  /** Indices as they were named, with commas; '' where none is. */
  readonly index: string;
  /** Of a document; '' where there is none. */
  readonly id: string;
}

type Methods = Readonly<Record<string, string | undefined>>;

/** On the whole, and on an index. */
const ON_SERVER: Methods = { GET: 'info', HEAD: 'ping' };
const ON_INDEX: Methods = {
  GET: 'indices.get',
  HEAD: 'indices.exists',
  PUT: 'indices.create',
  DELETE: 'indices.delete',
};
/** On a document. */
const ON_DOCUMENT: Readonly<Record<string, Methods | undefined>> = {
  _doc: { GET: 'get', HEAD: 'exists', PUT: 'index', POST: 'index', DELETE: 'delete' },
  _source: { GET: 'get_source', HEAD: 'exists_source' },
  _create: { PUT: 'create', POST: 'create' },
  _update: { POST: 'update' },
  _explain: { GET: 'explain', POST: 'explain' },
  _termvectors: { GET: 'termvectors', POST: 'termvectors' },
};
/** Last words of paths that are an operation whatever the method. */
const OPERATIONS: Readonly<Record<string, string | undefined>> = {
  ...named(
    '',
    '_search _msearch _count _bulk _mget _mtermvectors _delete_by_query _update_by_query _reindex',
  ),
  ...named('', '_validate _field_caps _rank_eval _search_shards _scripts'),
  ...named(
    'indices.',
    '_refresh _flush _forcemerge _open _close _analyze _stats _segments _recovery _rollover',
  ),
  ...named('indices.', '_shrink _split _clone _cache _resolve _data_stream'),
  _async_search: 'async_search.submit',
  _sql: 'sql.query',
  _pit: 'open_point_in_time',
};
/** Of which an operation gets, and another one sets. */
const SETTINGS: Readonly<Record<string, string | undefined>> = {
  _mapping: 'mapping',
  _mappings: 'mapping',
  _settings: 'settings',
  _alias: 'alias',
  _template: 'template',
  _index_template: 'index_template',
};
const VERBS: Methods = { GET: 'get', HEAD: 'exists', PUT: 'put', POST: 'put', DELETE: 'delete' };
/** First words of paths whose next word is the operation. */
const SPACES = new Set([
  '_cat',
  '_cluster',
  '_nodes',
  '_ingest',
  '_ilm',
  '_security',
  '_snapshot',
  '_tasks',
  '_ml',
]);
/** Words of the API: never names that users give. */
const WORD = /^_?[a-z][a-z_]{0,30}$/;

function named(prefix: string, words: string): Record<string, string> {
  return Object.fromEntries(words.split(' ').map((word) => [word, prefix + word.slice(1)]));
}

/** Undefined where the path is none of the API's. `path` begins with a slash and has no query. */
export function searchOperation(method: string, path: string): SearchOperation | undefined {
  const parts = path.split('/').filter((part) => part !== '');
  const [first = '', second = '', third = ''] = parts;
  if (first === '') return of(ON_SERVER[method], '');
  if (first.startsWith('_')) return onServer(method, first, second);
  const index = decoded(first);
  if (second === '') return of(ON_INDEX[method], index);
  const document = ON_DOCUMENT[second]?.[method];
  if (document !== undefined) return of(document, index, decoded(third));
  return of(operationOf(method, second), index);
}

function onServer(method: string, first: string, second: string): SearchOperation | undefined {
  if (first === '_search' && second === 'scroll')
    return of(method === 'DELETE' ? 'clear_scroll' : 'scroll', '');
  if (first === '_search' && second === 'template') return of('search_template', '');
  if (first === '_aliases') return of(method === 'GET' ? 'indices.get_alias' : 'indices.update_aliases', '');
  if (!SPACES.has(first)) return of(operationOf(method, first), '');
  const space = first.slice(1);
  return of(WORD.test(second) ? `${space}.${second.replace(/^_/, '')}` : space, '');
}

function operationOf(method: string, word: string): string | undefined {
  const setting = SETTINGS[word];
  const verb = VERBS[method];
  if (setting !== undefined && verb !== undefined) return `indices.${verb}_${setting}`;
  // One that is not known by name is called by its word.
  return OPERATIONS[word] ?? (word.startsWith('_') && WORD.test(word) ? word.slice(1) : undefined);
}

function of(operation: string | undefined, index: string, id = ''): SearchOperation | undefined {
  return operation === undefined ? undefined : { operation, index, id };
}

/** Percent-encoded; as it is where that is wrong. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
