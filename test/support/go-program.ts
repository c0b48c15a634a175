/** Programs that the tests' set-up builds with Go (scripts/go-program.mjs). */
import { execFileSync, spawnSync } from 'node:child_process';
import { inCheckout } from './programs.ts';

/** Path of what a script builds, built where it is not yet there (some minutes), or the reason why it cannot be had. */
export function findGoProgram(script: string, title: string): { binary: string } | { missing: string } {
  const build = inCheckout('scripts', script);
  const built = spawnSync(process.execPath, [build, '--check'], { encoding: 'utf8' });
  if (built.status === 0) return { binary: built.stdout.trim() };
  if (spawnSync('go', ['version']).error) {
    return { missing: `no ${title}: it is built with Go, which is not installed` };
  }
  const output = execFileSync(process.execPath, [build], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return { binary: output.trim() };
}
