import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { loadNative, type Tracer } from '../../src/capture/native.ts';

const SOURCE = fileURLToPath(new URL('hooks.bpf.c', import.meta.url));

let object: Uint8Array | undefined;

function compile(): Uint8Array {
  const flags = ['-O2', '-g', '-target', 'bpf', '-mcpu=v3', '-Wall', '-Werror'];
  const directory = mkdtempSync(join(tmpdir(), 'bench-hooks-'));
  const file = join(directory, 'hooks.bpf.o');
  try {
    execFileSync('clang', [...flags, '-c', SOURCE, '-o', file]);
    return readFileSync(file);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** The agent's two hooks on system calls. */
const SYSCALL_HOOKS = ['hook_enter', 'hook_exit'];

/** Hooks of the agent's with programs that return at once: no agent can be cheaper there. */
export class BareHooks {
  readonly #tracer: Tracer;

  private constructor(tracer: Tracer) {
    this.#tracer = tracer;
  }

  static attach(programs: readonly string[] = SYSCALL_HOOKS): BareHooks {
    const { Tracer } = loadNative();
    const tracer = new Tracer({ object: (object ??= compile()) });
    for (const program of tracer.programs) if (!programs.includes(program)) tracer.disableProgram(program);
    tracer.load();
    for (const program of programs) tracer.attach(program);
    return new BareHooks(tracer);
  }

  detach(): void {
    this.#tracer.close();
  }
}
