import { spawnSync } from 'node:child_process';
import { chownSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ScenarioServer, type Place } from '../../support/scenario.ts';

/** A MariaDB of its own, with a database and a user that are called `shop`. */
export async function startMariadb(place: Place): Promise<{ stop(): Promise<void> }> {
  const { host, port, folder } = place;
  const inFolder = (file: string): string => path.join(folder, file);
  // It refuses to be root, and to make its data as somebody else without this.
  const user = Number(spawnSync('id', ['-u', 'mysql'], { encoding: 'utf8' }).stdout);
  chownSync(folder, user, 0);
  const data = `--datadir=${inFolder('data')}`;
  const installed = spawnSync(
    'mariadb-install-db',
    ['--no-defaults', '--user=mysql', data, '--skip-test-db'],
    { encoding: 'utf8' },
  );
  if (installed.status !== 0) throw new Error(`mariadb-install-db: ${installed.stdout}${installed.stderr}`);
  writeFileSync(
    inFolder('init.sql'),
    "CREATE DATABASE shop;\nCREATE USER shop IDENTIFIED BY 'secret';\nGRANT ALL ON *.* TO shop;\n",
  );
  const settings = [
    ...[`--bind-address=${host}`, `--port=${port}`, `--socket=${inFolder('socket')}`],
    ...[`--init-file=${inFolder('init.sql')}`, '--skip-name-resolve', '--local-infile', '--skip-ssl'],
    ...['--innodb-buffer-pool-size=16M', '--innodb-flush-log-at-trx-commit=0', '--log-warnings=0'],
  ];
  return ScenarioServer.start(['mariadbd', '--no-defaults', '--user=mysql', data, ...settings], place, {
    ready: /ready for connections/,
  });
}
