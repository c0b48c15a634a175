import { spawnSync } from 'node:child_process';
import { chmodSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import {
  ScenarioServer,
  programsOf,
  statementSpans,
  type Place,
  type Scenario,
} from '../../support/scenario.ts';

const { program, runs } = programsOf('postgresql');
/** Few: where the machine has no time left, the agent takes 2 % of a core. */
const ROUNDS = 10;
const DEBIAN = '/usr/lib/postgresql';
/** It refuses to be root. */
const AS_POSTGRES = ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups'];

function run([command, ...args]: readonly string[], input = ''): void {
  const { status, stderr, error } = spawnSync(command!, args, { encoding: 'utf8', input });
  if (status !== 0) throw new Error(`${command}: ${error?.message ?? stderr}`);
}

/** A cluster of its own, with a database and a user that are called `shop`. */
async function start(place: Place): Promise<{ stop(): Promise<void> }> {
  const { host, port, folder } = place;
  const [version] = readdirSync(DEBIAN).sort((a, b) => Number(b) - Number(a));
  const binary = (name: string): string => path.join(DEBIAN, version!, 'bin', name);
  const data = path.join(folder, 'data');
  const password = path.join(folder, 'password');
  chmodSync(folder, 0o777);
  writeFileSync(password, 'secret');
  const settings = ['-D', data, '-U', 'shop', '-A', 'scram-sha-256', `--pwfile=${password}`];
  run([...AS_POSTGRES, binary('initdb'), '--no-sync', '--locale=C.UTF-8', ...settings]);
  // Alone, without a port.
  run([...AS_POSTGRES, binary('postgres'), '--single', '-D', data, 'postgres'], 'CREATE DATABASE shop\n');
  const address = ['-h', host, '-p', String(port), '-k', ''];
  const command = [...AS_POSTGRES, binary('postgres'), '-D', data, ...address, '-F'];
  const server = await ScenarioServer.start(command, place, { ready: /ready to accept connections/ });
  return { stop: () => server.stop('SIGINT') };
}

const { asked: shop, failed } = statementSpans('postgresql', 'shop');

export const scenario: Scenario = {
  protocol: 'postgresql',
  start,
  clients: [
    {
      name: 'pgbench',
      count: ROUNDS,
      command: runs('sh', 'client.sh'),
      expects: (count) => [
        // Twice by each pgbench.
        shop('connect shop', 11),
        { name: 'connect missing', count: 1, errorType: '3D000' },
        shop('CREATE TABLE accounts', 1),
        shop('INSERT accounts', 1),
        shop('SELECT accounts', 3 * count + 1),
        shop('UPDATE accounts', 3 * count),
        shop('PREPARE SELECT accounts', 1),
        shop('PREPARE UPDATE accounts', 1),
        failed('shop', 1, '42601'),
        failed('INSERT accounts', 1, '23505'),
        shop('DROP TABLE accounts', 1),
      ],
    },
    {
      name: 'node',
      count: ROUNDS,
      command: runs('node', 'client.cjs'),
      expects: (count) => [
        shop('connect shop', 2),
        shop('CREATE TABLE orders', 1),
        shop('LISTEN', 1),
        shop('INSERT orders', count, { 'db.query.text': 'INSERT INTO orders VALUES ($1, $2)' }),
        shop('SELECT orders', 2 * count),
        failed('INSERT orders', count, '23505'),
        failed('shop', count, '42601'),
        shop('BEGIN', count),
        shop('UPDATE orders', count),
        shop('ROLLBACK', count),
        shop('NOTIFY', count, { 'db.query.text': 'NOTIFY news, ?' }),
        shop('SELECT', count),
        shop('DROP TABLE orders', 1),
      ],
    },
    {
      name: 'psycopg',
      count: ROUNDS,
      command: runs('python3', 'client.py'),
      expects: (count) => [
        shop('connect shop', 1),
        failed('connect shop', 1, '28P01'),
        shop('CREATE TABLE items', 1),
        shop('CREATE TABLE notes', 1),
        shop('BEGIN', count),
        shop('PREPARE INSERT notes', count),
        shop('INSERT notes', count),
        shop('SELECT notes', count),
        failed('SELECT notes', count, '22012'),
        shop('ROLLBACK', count),
        // What is prepared is given up after each ROLLBACK, and before a DROP.
        shop('DEALLOCATE', count + 1),
        shop('COPY items', count),
        shop('COPY SELECT items', count),
        failed('COPY items', count, '23505'),
        shop('SELECT items', 1000, { 'db.response.returned_rows': 1 }),
        failed('DO', 1, '57014'),
        { name: 'cancel', count: 1 },
        // At the end of the pipeline.
        shop('SYNC shop', 1),
        shop('DROP TABLE items notes', 1),
      ],
    },
    {
      name: 'jdbc',
      count: ROUNDS,
      command: ({ host, port, count }) => [
        ...['java', '-Xmx256m', '-XX:+UseSerialGC', program('Client.java')],
        ...[host, String(port), String(count)],
      ],
      expects: (count) => [
        shop('connect shop', 1),
        shop('SET application_name', 1),
        shop('CREATE TABLE parts', 1),
        shop('BATCH INSERT parts', count, { 'db.operation.batch.size': 10 }),
        shop('BEGIN', count),
        // One by one, and three pages each.
        shop('SELECT parts', count + 3 * count),
        failed('BATCH', count, '23505'),
        shop('ROLLBACK', count),
        shop('DROP TABLE parts', 1),
      ],
    },
  ],
};
