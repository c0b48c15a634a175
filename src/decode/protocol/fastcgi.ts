import { u32be } from '../bytes.ts';
import { Step, UNLIMITED, type IdDecoder } from '../decoder.ts';
import type { Frames } from '../frames.ts';
import { Match } from '../pairing.ts';
import type { Reader } from '../reader.ts';
import { createFastcgiDescriber } from './fastcgi-describe.ts';
import {
  addParams,
  createFastcgiRequest,
  endParams,
  parameterOf,
  type FastcgiRequest,
} from './fastcgi-params.ts';
import { FASTCGI_STARTS, probeFastcgi } from './fastcgi-probe.ts';
import { readRecord, record, RECORD_HEAD, RecordType } from './fastcgi-record.ts';
import { addStdout, createFastcgiResponse, endStdout, type FastcgiResponse } from './fastcgi-response.ts';
import type { DecoderOptions } from './index.ts';

/** Content of a record that is waited for. */
const MAX_READ = 16_384;

/**
 * FastCGI 1.0: a web server passes requests of HTTP on to an application. FastCGI Specification.
 *
 * Records carry the id of their request, of which several may be open on a connection. Heads of records stand between pieces of a body, so all that
 * crosses is copied. Not decoded: bodies (only measured), what is asked of the application itself (GET_VALUES).
 */
export function createFastcgi({ redactedQueryKeys, requestIdHeaders }: DecoderOptions): IdDecoder<undefined> {
  const requestIds = new Set(requestIdHeaders.map(parameterOf));
  return {
    name: 'fastcgi',
    pairing: 'id',
    idsReturn: true,
    starts: FASTCGI_STARTS,
    capture: { elide: false, budget: UNLIMITED },
    probe: probeFastcgi,
    createState: () => undefined,
    read: (reader, fromClient, _state, frames) => read(reader, fromClient, frames, requestIds),
    lost: () => undefined,
    describe: createFastcgiDescriber(redactedQueryKeys),
  };
}

function read(reader: Reader, fromClient: boolean, frames: Frames, requestIds: ReadonlySet<string>): Step {
  const { bytes, at, available, blocked } = reader;
  if (available < RECORD_HEAD) return Step.more;
  if (!readRecord(bytes, at, fromClient)) return Step.malformed;
  const needed = RECORD_HEAD + neededContent();
  if (available < needed && !blocked) return Step.more;
  const from = at + RECORD_HEAD;
  const to = at + Math.min(needed, available);
  const said = fromClient ? ofClient(bytes, from, to, frames, requestIds) : ofServer(bytes, from, to, frames);
  if (said !== Step.end) return said;
  reader.skip(RECORD_HEAD + record.length + record.padding);
  return Step.end;
}

/** Bodies are only measured. */
function neededContent(): number {
  const { type, length } = record;
  return type === RecordType.stdin || type === RecordType.data || type === RecordType.stderr
    ? 0
    : Math.min(length, MAX_READ);
}

function ofClient(
  bytes: Uint8Array,
  from: number,
  to: number,
  frames: Frames,
  requestIds: ReadonlySet<string>,
): Step {
  const { type, id, length } = record;
  if (type === RecordType.beginRequest) {
    frames.request(id, createFastcgiRequest());
    return Step.end;
  }
  const request = frames.own(id)?.request as FastcgiRequest | undefined;
  if (request === undefined) return Step.end;
  if (type === RecordType.params) {
    if (length === 0) endParams(request);
    else addParams(request, bytes.subarray(from, to), to - from === length, requestIds);
  } else if (type === RecordType.stdin) {
    request.stdin += length;
    // An empty record ends the stream (FastCGI Specification, 3.3).
    if (length === 0) request.bodySize = request.stdin;
  } else if (type === RecordType.abortRequest) {
    request.aborted = true;
  }
  return Step.end;
}

function ofServer(bytes: Uint8Array, from: number, to: number, frames: Frames): Step {
  const { type, id, length } = record;
  if (id === 0) return Step.end;
  const exchange = frames.answered(id, true);
  if (exchange === Match.wait) return Step.wait;
  if (exchange === Match.orphan) return Step.end;
  const response = (exchange.response ??= createFastcgiResponse()) as FastcgiResponse;
  if (type === RecordType.stdout) addStdout(response, bytes, from, to, length);
  else if (type === RecordType.stderr) response.stderr += length;
  if (type !== RecordType.endRequest) return Step.end;
  endStdout(response);
  if (to - from >= 5) {
    response.appStatus = u32be(bytes, from);
    response.protocolStatus = bytes[from + 4]!;
  }
  const request = exchange.request as FastcgiRequest;
  // Applications answer once they have what was promised, before the end of the stream has come.
  if (request.params.get('CONTENT_LENGTH') === String(request.stdin)) request.bodySize = request.stdin;
  frames.end(exchange, request.aborted && response.status === 0 ? 'aborted' : undefined);
  return Step.end;
}
