/** A network namespace joined to ours by a veth pair. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { needCommand } from './programs.ts';

let count = 0;

export class NetworkNamespace {
  readonly name: string;
  /** Our end and the namespace's. */
  readonly outside: string;
  readonly inside: string;

  private constructor(name: string, subnet: number) {
    this.name = name;
    this.outside = `10.213.${subnet}.1`;
    this.inside = `10.213.${subnet}.2`;
  }

  static create(context: Mocha.Context): NetworkNamespace {
    needCommand(context, 'ip', 'network namespaces are made with iproute2');
    removeLeftOvers();
    const subnet = (process.pid + count++) % 250;
    const netns = new NetworkNamespace(`undertrace-${process.pid}-${count}`, subnet);
    const [outer, inner] = [`utv${process.pid % 100_000}o${count}`, `utv${process.pid % 100_000}i${count}`];
    ip('netns', 'add', netns.name);
    ip('link', 'add', outer, 'type', 'veth', 'peer', 'name', inner, 'netns', netns.name);
    ip('addr', 'add', `${netns.outside}/24`, 'dev', outer);
    ip('link', 'set', outer, 'up');
    ip('-n', netns.name, 'addr', 'add', `${netns.inside}/24`, 'dev', inner);
    ip('-n', netns.name, 'link', 'set', inner, 'up');
    ip('-n', netns.name, 'link', 'set', 'lo', 'up');
    return netns;
  }

  /** To be put in front of a command that shall run inside. */
  get wrap(): string[] {
    return ['ip', 'netns', 'exec', this.name];
  }

  /** Drops what arrives for this port, in silence. */
  dropPort(port: number): void {
    const rules = `table inet undertrace { chain silence { type filter hook input priority 0; tcp dport ${port} drop; }; }`;
    execFileSync('ip', ['netns', 'exec', this.name, 'nft', '-f', '-'], { input: rules });
  }

  /** The veth pair goes with it. */
  remove(): void {
    ip('netns', 'delete', this.name);
  }
}

/** Namespaces of test runs that were killed. One that cannot be removed (its mount is in another mount namespace) is in nobody's way. */
function removeLeftOvers(): void {
  const names = execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' }).matchAll(
    /^undertrace-(\d+)-\d+/gm,
  );
  for (const [name, pid] of names)
    if (!existsSync(`/proc/${pid}`)) spawnSync('ip', ['netns', 'delete', name], { stdio: 'inherit' });
}

function ip(...args: string[]): void {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'inherit'] });
}
