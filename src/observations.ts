import { type ConnectionRecord, Event } from './capture/records.gen.ts';
import type { ConnectionReport } from './decode/decode-stage.ts';
import type { Exchange } from './decode/exchange.ts';
import { type Traffic, trafficOf } from './traffic.ts';

/** What came of the exchanges of one process or one port since it was first seen. */
export interface Tally {
  exchanges: number;
  spans: number;
  filtered: number;
  /** Left out because the process makes spans of its own. */
  instrumented: number;
}

/** What an exchange came to. */
export type Outcome = 'spans' | 'filtered' | 'instrumented';

export interface PortTally extends Tally {
  transport: 'tcp' | 'udp' | 'unix';
  port: number;
  path: string;
  protocol: string;
}

const MAX_PROCESSES = 8192;
const MAX_PORTS = 8192;

/** Counts for `status` and `why`, kept apart from the ledger: bounded, and forgotten with the process. Counted at opening and at the end. */
export class Observations {
  readonly processes = new Map<number, Tally>();
  readonly ports = new Map<string, PortTally>();
  /** The TCP ports among them by number: asked for with every exchange, where making a key would cost. */
  readonly #tcp = new Map<number, PortTally>();
  /** Listening TCP ports by process. */
  readonly listening = new Map<number, Set<number>>();
  /** Of connections that are over, by process and by the service's port. */
  readonly endedByProcess = new Map<number, Traffic>();
  readonly endedByPort = new Map<number, Traffic>();

  opened(exchange: Exchange): void {
    let process = this.processes.get(exchange.tgid);
    if (process === undefined && this.processes.size < MAX_PROCESSES)
      this.processes.set(exchange.tgid, (process = { exchanges: 0, spans: 0, filtered: 0, instrumented: 0 }));
    if (process !== undefined) process.exchanges++;
    const port = this.#port(exchange);
    if (port !== undefined) port.exchanges++;
  }

  ended(exchange: Exchange, outcome: Outcome): void {
    count(this.processes.get(exchange.tgid), outcome); // not again of one that has exited
    count(this.#port(exchange), outcome);
  }

  onConnection(record: ConnectionRecord): void {
    if (record.event !== Event.listen || record.localPort === 0) return;
    let ports = this.listening.get(record.tgid);
    if (ports === undefined) {
      if (this.listening.size >= MAX_PROCESSES) return;
      this.listening.set(record.tgid, (ports = new Set()));
    }
    ports.add(record.localPort);
  }

  /** A connection is over; `lives`: its process is not. */
  forgotten(report: ConnectionReport, lives: boolean): void {
    const { tgid, serverPort } = report.connection;
    if (lives) trafficOf(this.endedByProcess, tgid, MAX_PROCESSES)?.add(report);
    if (serverPort > 0) trafficOf(this.endedByPort, serverPort, MAX_PORTS)?.add(report);
  }

  onExit(tgid: number): void {
    this.listening.delete(tgid);
    this.processes.delete(tgid);
    this.endedByProcess.delete(tgid);
  }

  #port({ connection, role, protocol }: Exchange): PortTally | undefined {
    const { transport } = connection;
    const server = role === 'server';
    const port = server ? connection.localPort : connection.remotePort;
    const known = transport === 'tcp' ? this.#tcp.get(port) : undefined;
    if (known !== undefined) return known;
    const path = transport !== 'unix' ? '' : server ? connection.localAddress : connection.remoteAddress;
    const key = `${transport}:${port}${path}`;
    let tally = this.ports.get(key);
    if (tally === undefined && this.ports.size < MAX_PORTS) {
      const counts = { exchanges: 0, spans: 0, filtered: 0, instrumented: 0 };
      this.ports.set(key, (tally = { transport, port, path, protocol, ...counts }));
    }
    if (transport === 'tcp' && tally !== undefined) this.#tcp.set(port, tally);
    return tally;
  }
}

function count(tally: Tally | undefined, outcome: Outcome): void {
  if (tally !== undefined) tally[outcome]++;
}
