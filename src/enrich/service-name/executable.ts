import type { ProcessFacts } from '../../capture/facts.ts';
import { baseName, directoryOf } from '../../capture/launch.ts';
import type { ServiceNameResolver } from './service-name.ts';
import { directoryName } from './words.ts';

/** What `go run` and `go test` build and throw away: /tmp/go-build1234/b001/exe/main */
const GO_BUILD = /\/go-build\d+\/.*\/exe\/([^/]+)$/;
/** Linkers and loaders through which a program may be started. */
const LOADER = /^ld-linux.*|^ld-musl.*|^ld\.so/;

const GENERIC = /^(?:main|app|a\.out|exe|server|application|run|start|entrypoint)$/;
/** TASK_COMM_LEN without its NUL. */
const COMM_LENGTH = 15;
/** A program without a file, memfd_create(2). */
const MEMORY = /^\/?memfd:/;

/** The program file, or the link to it that was called; names that say nothing (`main`, `app`) give way to the directory. */
export const executable: ServiceNameResolver = {
  source: 'executable',
  resolve({ facts }) {
    const file = MEMORY.test(facts.exe ?? '') ? undefined : facts.exe;
    const exe = file ?? facts.argv?.[0] ?? facts.comm;
    if (exe === undefined) return undefined;
    const built = GO_BUILD.exec(exe)?.[1];
    const name = built ?? calledAs(facts) ?? baseName(exe);
    if (LOADER.test(name)) return loaded(facts);
    if (!GENERIC.test(name)) return name;
    const here = directoryName(facts.cwd ?? '/');
    return (built === undefined ? directoryName(directoryOf(exe)) : undefined) ?? here ?? name;
  },
};

/**
 * One file may be several programs, by the name it is called as: /usr/bin/redis-server is a link to redis-check-rdb. The kernel keeps that name,
 * cut to 15 bytes, and the arguments begin with it, where nobody changed either.
 */
function calledAs({ exe, argv, comm }: ProcessFacts): string | undefined {
  const called = baseName(argv?.[0]?.split(' ', 1)[0] ?? '').replace(/^-/, '');
  if (called === '' || called.slice(0, COMM_LENGTH) !== comm || GENERIC.test(called)) return undefined;
  return exe === undefined || baseName(exe).startsWith(comm) ? undefined : called;
}

function loaded({ argv, comm }: ProcessFacts): string | undefined {
  const program = (argv ?? []).slice(1).find((arg) => arg.startsWith('/') && !arg.endsWith('.so'));
  return program === undefined ? comm : baseName(program);
}
