import type { FifoDecoder } from '../decoder.ts';
import type { Exchange } from '../exchange.ts';
import { POSTGRESQL_UNSURE } from '../sql-scanner.ts';
import { SqlTexts } from '../sql.ts';
import type { DecoderOptions } from './index.ts';
import type { PostgresqlRequest, PostgresqlResponse } from './postgresql-message.ts';
import { probePostgresql } from './postgresql-probe.ts';
import { readRequest } from './postgresql-request.ts';
import { readAside, readResponse } from './postgresql-response.ts';
import { PostgresqlState } from './postgresql-state.ts';
import { describeSql } from './sql-describe.ts';

/**
 * PostgreSQL's protocol 3.0 to 3.2. https://www.postgresql.org/docs/current/protocol.html
 *
 *   request = startup | Query | FunctionCall | *( Parse | Bind | Describe | Execute | Close | Flush ) Sync
 *   response = *message ReadyForQuery
 *
 * Each request is answered with one ReadyForQuery, whatever goes wrong; a Flush makes no request of its own. What a client sends while a COPY
 * takes its data, and passwords, are passed over. After START_REPLICATION, and where the server agrees to TLS, both directions are left alone.
 */
export function createPostgresql({ queryText }: DecoderOptions): FifoDecoder<PostgresqlState> {
  const options = { texts: new SqlTexts(queryText), limit: queryText.limit };
  return {
    name: 'postgresql',
    pairing: 'fifo',
    starts: ['Q\0\0\0', 'P\0\0\0', 'B\0\0\0', 'T\0\0\0', '1\0\0\0', '2\0\0\0', 'C\0\0\0', 'E\0\0\0'],
    capture: { elide: true },
    probe: probePostgresql,
    createState: () => new PostgresqlState(),
    lasting: (state) => !state.isNew,
    read: (reader, isRequest, state, request) =>
      isRequest
        ? readRequest(reader, state, options)
        : readResponse(reader, state, request as PostgresqlRequest | undefined),
    readAside,
    lost(state, isRequest) {
      if (isRequest) state.lostRequests();
      else state.dialect = POSTGRESQL_UNSURE;
    },
    mayGoOn: (state, isRequest) => isRequest && state.copying,
    reset(state, isRequest) {
      state.asked = false;
      if (!isRequest) {
        state.response = undefined;
        state.responseDue = 0;
        return;
      }
      if (state.request) {
        state.request.cut = true;
        state.forgetUnnamed();
      }
      state.request = undefined;
      state.requestDue = 0;
    },
    ended: () => undefined,
    abandoned: (request) => (request as PostgresqlRequest).dead,
    describe,
  };
}

function describe(exchange: Exchange): ReturnType<typeof describeSql> {
  const request = exchange.request as PostgresqlRequest;
  return describeSql(exchange, 'postgresql', request, exchange.response as PostgresqlResponse | undefined);
}
