import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { loadNative, type Tracer } from '../../src/capture/native.ts';

const SOURCE = fileURLToPath(new URL('hooks.bpf.c', import.meta.url));

/** The agent's two hooks on system calls with programs that return at once: no agent can be cheaper there. */
export class BareHooks {
  readonly #tracer: Tracer;

  private constructor(tracer: Tracer) {
    this.#tracer = tracer;
  }

  static attach(): BareHooks {
    const directory = mkdtempSync(join(tmpdir(), 'bench-hooks-'));
    const object = join(directory, 'hooks.bpf.o');
    try {
      execFileSync('clang', [
        '-O2',
        '-g',
        '-target',
        'bpf',
        '-mcpu=v3',
        '-Wall',
        '-Werror',
        '-c',
        SOURCE,
        '-o',
        object,
      ]);
      const { Tracer } = loadNative();
      const tracer = new Tracer({ object });
      tracer.load();
      for (const program of tracer.programs) tracer.attach(program);
      return new BareHooks(tracer);
    } finally {
      rmSync(directory, { recursive: true });
    }
  }

  detach(): void {
    this.#tracer.close();
  }
}
