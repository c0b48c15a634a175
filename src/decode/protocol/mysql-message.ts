import type { SqlText } from '../sql.ts';
import { Command, operationOf } from './mysql-packet.ts';
import type { SqlRequest, SqlResponse } from './sql-describe.ts';

export class MysqlRequest implements SqlRequest {
  readonly system: string;
  readonly command: number;
  /** That the connection is in, or that is asked for. */
  database: string | undefined;
  /** The statement. */
  sql: SqlText | undefined = undefined;
  /** Its id, where its text was not known when it was asked for; 0: none. */
  statement = 0;
  /** Of its last packet. */
  sequence = 0;
  /** Where it goes well the connection is in another database; else it stays in this one, if that is known. */
  moves = false;
  stays: string | undefined = undefined;
  /** How the connection is compressed from here on. */
  compression: string | undefined = undefined;
  /** The connection is over. */
  dead = false;

  constructor(system: string, command: number, database: string | undefined) {
    this.system = system;
    this.command = command;
    this.database = database;
  }

  get operation(): string | undefined {
    return operationOf(this.command) || undefined;
  }

  get text(): string | undefined {
    return this.sql?.text;
  }

  get summary(): string | undefined {
    const summary = this.sql?.summary;
    return summary !== undefined && this.command === Command.prepare ? `PREPARE ${summary}` : summary;
  }

  get batch(): undefined {
    return undefined;
  }
}

/** Which packet of a response comes next. */
export const Stage = {
  first: 0,
  /** Columns of a result, or what is behind the last of them. */
  columns: 1,
  rows: 2,
  /** Parameters of a statement, and then its columns. */
  params: 3,
  preparedColumns: 4,
  /** OK or an error. */
  outcome: 5,
} as const;

export class MysqlResponse implements SqlResponse {
  stage: number = Stage.first;
  /** Columns that are still to come, and what comes behind the parameters. */
  left = 0;
  columns = 0;
  /** Number of the error. */
  code: string | undefined = undefined;
  /** Rows so far, and whether that is how many there are of what was asked for. */
  counted = 0;
  hasRows = false;
  /** All of it was seen. */
  whole = false;

  get rows(): number | undefined {
    return this.whole && this.hasRows && this.code === undefined ? this.counted : undefined;
  }
}
