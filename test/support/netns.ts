/** Network namespaces of a test's own. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { needCommand } from './programs.ts';

let count = 0;

/** A network namespace with nothing but its loopback interface. */
export class LoneNamespace {
  readonly name = `undertrace-${process.pid}-${++count}`;

  protected constructor() {
    ip('netns', 'add', this.name);
    ip('-n', this.name, 'link', 'set', 'lo', 'up');
  }

  static create(context: Mocha.Context): LoneNamespace {
    needCommand(context, 'ip', 'network namespaces are made with iproute2');
    removeLeftOvers();
    return new LoneNamespace();
  }

  /** To be put in front of a command that shall run inside. */
  get wrap(): string[] {
    return ['ip', 'netns', 'exec', this.name];
  }

  /** Joins it to another one by a veth pair; addresses are of IPv4 or IPv6 and have the length of their prefix. */
  join(other: LoneNamespace, here: readonly string[], there: readonly string[]): void {
    const pair = `utv${process.pid % 100_000}p${++count}`;
    const [near, far] = [`${pair}a`, `${pair}b`];
    ip('-n', this.name, 'link', 'add', near, 'type', 'veth', 'peer', 'name', far, 'netns', other.name);
    for (const [name, device, addresses] of [
      [this.name, near, here],
      [other.name, far, there],
    ] as const) {
      // An IPv6 address that is still being looked for elsewhere could not be listened on.
      for (const address of addresses)
        ip('-n', name, 'addr', 'add', address, 'dev', device, ...(address.includes(':') ? ['nodad'] : []));
      ip('-n', name, 'link', 'set', device, 'up');
    }
  }

  /** Sends what is for elsewhere by way of these, one a family. */
  routeBy(...routers: readonly string[]): void {
    for (const router of routers) ip('-n', this.name, 'route', 'add', 'default', 'via', router);
  }

  /** Passes on what is for elsewhere. */
  forward(): void {
    const files = ['ipv4/ip_forward', 'ipv6/conf/all/forwarding'].map((file) => `/proc/sys/net/${file}`);
    const [command, ...args] = [...this.wrap, 'tee', ...files];
    execFileSync(command!, args, { input: '1\n', stdio: ['pipe', 'ignore', 'inherit'] });
  }

  /** Loads rules of nftables. */
  filter(rules: string): void {
    const [command, ...args] = [...this.wrap, 'nft', '-f', '-'];
    execFileSync(command, args, { input: rules, stdio: ['pipe', 'ignore', 'inherit'] });
  }

  /** The veth pairs go with it. */
  remove(): void {
    ip('netns', 'delete', this.name);
  }
}

/** One that is joined to ours by a veth pair. */
export class NetworkNamespace extends LoneNamespace {
  /** Our end and the namespace's. */
  readonly outside: string;
  readonly inside: string;

  private constructor() {
    super();
    const subnet = (process.pid + count) % 250;
    this.outside = `10.213.${subnet}.1`;
    this.inside = `10.213.${subnet}.2`;
    const [outer, inner] = [`utv${process.pid % 100_000}o${count}`, `utv${process.pid % 100_000}i${count}`];
    ip('link', 'add', outer, 'type', 'veth', 'peer', 'name', inner, 'netns', this.name);
    ip('addr', 'add', `${this.outside}/24`, 'dev', outer);
    ip('link', 'set', outer, 'up');
    ip('-n', this.name, 'addr', 'add', `${this.inside}/24`, 'dev', inner);
    ip('-n', this.name, 'link', 'set', inner, 'up');
  }

  static override create(context: Mocha.Context): NetworkNamespace {
    needCommand(context, 'ip', 'network namespaces are made with iproute2');
    removeLeftOvers();
    return new NetworkNamespace();
  }

  /** Drops what arrives for this port, in silence. */
  dropPort(port: number): void {
    this.filter(
      `table inet undertrace { chain silence { type filter hook input priority 0; tcp dport ${port} drop; }; }`,
    );
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
