import type { Step } from '../decoder.ts';
import { MYSQL, MYSQL_PLAIN, MYSQL_UNSURE, type SqlDialect } from '../sql-scanner.ts';
import type { SqlText } from '../sql.ts';
import { Capability, Command, Status } from './mysql-packet.ts';
import type { MysqlRequest, MysqlResponse } from './mysql-message.ts';
import { Statements } from './sql-statements.ts';

/** How far a connection has come. */
export const Phase = { start: 0, greeted: 1, commands: 2 } as const;

/** Of a packet whose number is not known. */
export const ANY_SEQUENCE = -1;

/** Character sets in which `\` may be the second half of a character: what it escapes is not known. */
const MULTIBYTE = /\b(big5|cp932|gb18030|gbk|sjis)\b/i;
/** Ids of their collations. */
const MULTIBYTE_IDS = new Set([1, 13, 28, 84, 87, 88, 95, 96, 248, 249, 250]);
const MAX_SET = 1024;
const USE = /^USE (\S+)$/i;
const MOVES = /\b(USE|DROP (DATABASE|SCHEMA))\b/i;

/** What is known of one connection. */
export class MysqlState {
  phase: number = Phase.start;
  /** By the greeting; the product is not known of a connection that is older than the agent. */
  system: 'mysql' | 'mariadb' = 'mysql';
  /** What both ends can, if that was seen. */
  #server = 0;
  capabilities: number | undefined = undefined;
  /** Whether lists of columns end without EOF: agreed on, or seen. */
  deprecateEof: boolean | undefined = undefined;
  database: string | undefined = undefined;
  /** Status flags, or undefined where they may be others by now. */
  #status: number | undefined = undefined;
  #multibyte = false;
  readonly statements = new Statements<number>();
  /** Of the last Prepare: MariaDB's clients may execute it before they know its id. */
  lastPrepared: SqlText | undefined = undefined;
  /** The server takes data of LOAD DATA LOCAL. */
  infile = false;
  /** Of the client's last packet. */
  sequence = 0;
  empty = false;
  /** The request and the response that are being read, and whether their packet goes on in the next one. */
  request: MysqlRequest | undefined = undefined;
  requestGoesOn = false;
  response: MysqlResponse | undefined = undefined;
  responseGoesOn = false;
  /** Of the server's next packet. */
  nextSequence = ANY_SEQUENCE;
  /** What is to be said of the response next; 0: nothing. */
  responseDue: Step | 0 = 0;

  get dialect(): SqlDialect {
    if (this.#status === undefined || this.#multibyte) return MYSQL_UNSURE;
    return (this.#status & Status.noBackslashEscapes) !== 0 ? MYSQL_PLAIN : MYSQL;
  }

  greeted(system: 'mysql' | 'mariadb', capabilities: number): void {
    this.system = system;
    this.#server = capabilities;
    this.phase = Phase.greeted;
  }

  /** The client has answered the greeting. */
  agreed(capabilities: number): void {
    if (this.phase === Phase.greeted) {
      this.capabilities = capabilities & this.#server;
      this.deprecateEof = this.has(Capability.deprecateEof);
    }
    this.phase = Phase.commands;
  }

  has(capability: number): boolean {
    return this.capabilities !== undefined && (this.capabilities & capability) !== 0;
  }

  said(status: number): void {
    this.#status = status;
  }

  useCollation(id: number): void {
    this.#multibyte = MULTIBYTE_IDS.has(id);
  }

  /** A statement is sent that may change how the next ones are to be read. */
  asks(text: string, summary: string | undefined): void {
    if (summary === undefined || !/\bSET\b/i.test(summary)) return;
    this.#status = undefined;
    this.#multibyte ||= MULTIBYTE.test(text.slice(0, MAX_SET));
  }

  /** From here on it is known in which database the connection is only when `request` is answered. */
  moves(request: MysqlRequest): void {
    const { command, summary } = request;
    const isNamed = command === Command.initDb || command === Command.changeUser;
    if (command === Command.prepare || (!isNamed && (summary === undefined || !MOVES.test(summary)))) return;
    request.moves = true;
    if (isNamed || USE.test(summary!)) request.stays = this.database;
    this.database = undefined;
  }

  moved({ command, summary, database, moves }: MysqlRequest): void {
    if (!moves) return;
    if (command === Command.initDb || command === Command.changeUser) this.database = database;
    else this.database = USE.exec(summary ?? '')?.[1]?.replace(/^`(.*)`$/, '$1');
  }

  /** Messages of the client were lost. */
  lostRequests(): void {
    this.lostResponses();
    this.statements.clear();
    this.lastPrepared = this.database = undefined;
    this.infile = false;
    // They may have set it, and that is seen nowhere else.
    this.#multibyte = true;
  }

  lostResponses(): void {
    this.#status = undefined;
    this.phase = Phase.commands;
  }

  /** Nothing is known that a new connection's state would not say. */
  get isNew(): boolean {
    const known = this.database !== undefined || this.statements.size > 0 || this.deprecateEof !== undefined;
    return this.phase === Phase.start && !known;
  }
}
