import type { ProcessFacts } from '../../capture/facts.ts';
import { baseName, directoryOf } from '../../capture/launch.ts';
import type { ServiceNameResolver } from './service-name.ts';
import { directoryName } from './words.ts';

/** What `go run` and `go test` build and throw away: /tmp/go-build1234/b001/exe/main */
const GO_BUILD = /\/go-build\d+\/.*\/exe\/([^/]+)$/;
/** Linkers and loaders through which a program may be started. */
const LOADER = /^ld-linux.*|^ld-musl.*|^ld\.so/;

const GENERIC = /^(?:main|app|a\.out|exe|server|application|run|start|entrypoint)$/;
/** A program without a file, memfd_create(2). */
const MEMORY = /^\/?memfd:/;

/** The program file; names that say nothing (`main`, `app`) give way to the directory. */
export const executable: ServiceNameResolver = {
  source: 'executable',
  resolve({ facts }) {
    const file = MEMORY.test(facts.exe ?? '') ? undefined : facts.exe;
    const exe = file ?? facts.argv?.[0] ?? facts.comm;
    if (exe === undefined) return undefined;
    const built = GO_BUILD.exec(exe)?.[1];
    const name = built ?? baseName(exe);
    if (LOADER.test(name)) return loaded(facts);
    if (!GENERIC.test(name)) return name;
    const here = directoryName(facts.cwd ?? '/');
    return (built === undefined ? directoryName(directoryOf(exe)) : undefined) ?? here ?? name;
  },
};

function loaded({ argv, comm }: ProcessFacts): string | undefined {
  const program = (argv ?? []).slice(1).find((arg) => arg.startsWith('/') && !arg.endsWith('.so'));
  return program === undefined ? comm : baseName(program);
}
