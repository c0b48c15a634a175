// The Go that builds the Collector and Jaeger: the one that is installed, where it is new enough, else one from the Go module proxy, which distributions'
// older Go can fetch and check (https://go.dev/ref/mod#go-toolchain). Node built-ins only.
import { spawnSync } from 'node:child_process';
import { chmodSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Of Go 1, the newest that the modules ask for; and what is fetched where that is not there. */
const LEAST_MINOR = 25;
const FETCHED = '1.25.4';
const ARCHITECTURES = { x64: 'amd64', arm64: 'arm64' };

/**
 * Environment in which `go` is new enough. `say` is told of a download. Throws an Error for people where there is no `go`, or none that is
 * new enough can be had.
 */
export function goEnvironment(say) {
  const local = { ...process.env, GOTOOLCHAIN: 'local' };
  const { stdout, error } = spawnSync('go', ['version'], { encoding: 'utf8', env: local });
  if (error) throw new Error('`go` is not installed: install Go (Debian: golang-go) and try again');
  if (Number(/go1\.(\d+)/.exec(stdout)?.[1]) >= LEAST_MINOR) return local;
  say(`${stdout.trim()} is too old: fetching Go ${FETCHED} from the Go module proxy`);
  const root = download(
    `golang.org/toolchain@v0.0.1-go${FETCHED}.linux-${ARCHITECTURES[process.arch]}`,
    local,
  );
  makeExecutable(root);
  return { ...local, GOROOT: root, PATH: [join(root, 'bin'), process.env.PATH].join(delimiter) };
}

function download(module, env) {
  const { stdout, status } = spawnSync('go', ['mod', 'download', '-json', module], { encoding: 'utf8', env });
  const { Dir: folder, Error: why } = stdout ? JSON.parse(stdout) : {};
  if (status !== 0 || folder === undefined)
    throw new Error(`${module} cannot be had: ${why ?? 'go mod download failed'}`);
  return folder;
}

/** The module cache keeps files without this right; Go does the same with toolchains that it fetches itself. */
function makeExecutable(root) {
  const tools = join(root, 'pkg', 'tool');
  for (const folder of [join(root, 'bin'), ...readdirSync(tools).map((name) => join(tools, name))])
    for (const file of readdirSync(folder)) chmodSync(join(folder, file), 0o555);
}
