import type { FifoDecoder } from '../decoder.ts';
import type { Description, Exchange } from '../exchange.ts';
import { SqlTexts } from '../sql.ts';
import type { DecoderOptions } from './index.ts';
import type { MysqlRequest, MysqlResponse } from './mysql-message.ts';
import { probeMysql } from './mysql-probe.ts';
import { readRequest } from './mysql-request.ts';
import { readAside, readResponse } from './mysql-response.ts';
import { MysqlState } from './mysql-state.ts';
import { describeSql } from './sql-describe.ts';

/**
 * The client/server protocol of MySQL 4.1 and later and MariaDB. https://dev.mysql.com/doc/dev/mysql-server/latest/PAGE_PROTOCOL.html and
 * https://mariadb.com/kb/en/clientserver-protocol/
 *
 *   packet = length24 sequence8 payload          connection = greeting login *auth OK *( command response )
 *   response = OK | error | infile *data outcome | columns *column [EOF] *row (EOF | OK)          and another one where its status says so
 *
 * Each command is answered with one response, in their order; the greeting is nobody's. Whether lists end with EOF was agreed on in the login;
 * where that was not seen, what comes in its place tells. Where the client goes on in TLS, that begins; where packets are compressed or the
 * server sends its binary log, both directions are left alone.
 */
export function createMysql({ queryText }: DecoderOptions): FifoDecoder<MysqlState> {
  const texts = new SqlTexts(queryText);
  return {
    name: 'mysql',
    pairing: 'fifo',
    starts: [],
    // No four bytes are what messages begin with: of clients that do not wait what is sent at once must be within the budget.
    capture: { elide: true, budget: 65_536, pipelined: 1_048_576 },
    probe: probeMysql,
    createState: () => new MysqlState(),
    lasting: (state) => !state.isNew,
    read: (reader, isRequest, state, request) =>
      isRequest
        ? readRequest(reader, state, texts)
        : readResponse(reader, state, request as MysqlRequest | undefined),
    readAside,
    lost(state, isRequest) {
      if (isRequest) state.lostRequests();
      else state.lostResponses();
    },
    mayGoOn: (state, isRequest) => isRequest && state.infile,
    reset(state, isRequest) {
      if (isRequest) {
        state.request = undefined;
        state.requestGoesOn = false;
        state.sequence = 0;
        return;
      }
      state.response = undefined;
      state.responseDue = 0;
      state.responseGoesOn = false;
    },
    ended(_, state, isRequest) {
      if (isRequest) state.sequence = 0;
    },
    abandoned: (request) => (request as MysqlRequest).dead,
    describe,
  };
}

function describe(exchange: Exchange): Description {
  const request = exchange.request as MysqlRequest;
  const described = describeSql(
    exchange,
    request.system,
    request,
    exchange.response as MysqlResponse | undefined,
  );
  if (request.compression !== undefined)
    described.attributes['undertrace.mysql.compression'] = request.compression;
  return described;
}
