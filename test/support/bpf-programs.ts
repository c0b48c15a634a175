/** What a process has in the kernel of eBPF, and what bpftool says of it. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** Empty where the process has closed the descriptor since it was listed. */
function readInfo(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

/** What a process holds in the kernel, by its descriptors: `prog 17`, `map 4`, `link 9`. */
export function heldIds(pid: number): string[] {
  const found = readdirSync(`/proc/${pid}/fdinfo`).flatMap((fd) => {
    const text = readInfo(`/proc/${pid}/fdinfo/${fd}`);
    const match = /^(prog|map|link)_id:\s*(\d+)$/m.exec(text.replace(/^link_type:[^]*?^link_id/m, 'link_id'));
    return match ? [`${match[1]} ${match[2]}`] : [];
  });
  return [...new Set(found)];
}

export interface ProgramRun {
  runTimeNs: number;
  runCount: number;
}

/** What bpftool says of the programs that a process holds, by name; 0 where the kernel has not measured yet. */
export function programRuns(pid: number): Map<string, ProgramRun> {
  const ids = heldIds(pid).flatMap((held) => (held.startsWith('prog ') ? [held.slice(5)] : []));
  return new Map(
    ids.map((id) => {
      const text = execFileSync('bpftool', ['-j', 'prog', 'show', 'id', id], { encoding: 'utf8' });
      const shown = JSON.parse(text) as { name: string; run_time_ns?: number; run_cnt?: number };
      return [shown.name, { runTimeNs: shown.run_time_ns ?? 0, runCount: shown.run_cnt ?? 0 }];
    }),
  );
}
