import type { Step } from '../decoder.ts';
import type { SqlText } from '../sql.ts';
import { POSTGRESQL_UNSURE, type SqlDialect } from '../sql-scanner.ts';
import type { PostgresqlRequest, PostgresqlResponse } from './postgresql-message.ts';
import { Statements } from './sql-statements.ts';

const MAX_PORTALS = 16;
/** Names may be 63 bytes long; a longer one is not remembered. */
const MAX_NAME = 128;

/** What is known of one connection. */
export class PostgresqlState {
  database: string | undefined = undefined;
  dialect: SqlDialect = POSTGRESQL_UNSURE;
  /** TLS was asked for: the server answers with one byte. */
  asked = false;
  /** The client may be in the middle of a request. */
  torn = false;
  /** The server takes data of COPY. */
  copying = false;
  /** The request and the response that are being read. */
  request: PostgresqlRequest | undefined = undefined;
  response: PostgresqlResponse | undefined = undefined;
  /** What is to be said of them next; 0: nothing. */
  requestDue: Step | 0 = 0;
  responseDue: Step | 0 = 0;
  readonly statements = new Statements<string>();
  #portals: Map<string, SqlText> | undefined = undefined;

  parsed(name: string, text: SqlText): void {
    if (name.length <= MAX_NAME) this.statements.set(name, text);
  }

  bound(portal: string | undefined, text: SqlText | undefined): void {
    if (portal === undefined || portal.length > MAX_NAME) return;
    if (text === undefined) {
      this.#portals?.delete(portal);
      return;
    }
    const portals = (this.#portals ??= new Map<string, SqlText>());
    if (portals.size >= MAX_PORTALS) portals.delete(portals.keys().next().value!);
    portals.set(portal, text);
  }

  portal(name: string | undefined): SqlText | undefined {
    return name === undefined ? undefined : this.#portals?.get(name);
  }

  closed(isStatement: boolean, name: string | undefined): void {
    if (name === undefined) return;
    if (isStatement) this.statements.delete(name);
    else this.#portals?.delete(name);
  }

  /** What does not outlive the request that it was made in is not known any more. */
  forgetUnnamed(): void {
    this.statements.delete('');
    this.#portals = undefined;
  }

  /** Messages of the client were lost. */
  lostRequests(): void {
    this.statements.clear();
    this.#portals = undefined;
    this.torn = true;
    this.dialect = POSTGRESQL_UNSURE;
    if (this.request) this.request.torn = true;
  }

  /** Nothing is known that a new connection's state would not say. */
  get isNew(): boolean {
    const known = this.database !== undefined || this.statements.size > 0 || this.#portals !== undefined;
    return !known && !this.asked && !this.copying && !this.torn && this.dialect === POSTGRESQL_UNSURE;
  }
}
