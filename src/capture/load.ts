import { UserError, messageOf } from '../base/errors.ts';
import { ATTACH_TABLE, type AttachRow, type Outcome, remedyOf } from './attach-table.ts';
import { type NativeAddon, OBJECT, type Tracer, type TracerError } from './native.ts';

export interface LoadOptions {
  ringBytes: number;
  /** Payload bytes that a run may carry before a verdict says otherwise. */
  payloadBudget: number;
  /** First four bytes of messages, at which the kernel captures again; at most 256. */
  messageStarts: readonly string[];
  /** Watch the turns of event loops. */
  turns: boolean;
  /** Sockets that the kernel keeps state of. */
  connections: number;
}

export type AttachOutcome = AttachRow & Outcome;

/** What is left of the ring when data records are given up: room for events, which are rarer and say more; a quarter of a small ring. */
const FULL_MARGIN = 64 << 10;

/** Opens, configures and loads the object for what this kernel has. */
export function openTracer(addon: NativeAddon, options: LoadOptions): Tracer {
  let tracer: Tracer | undefined;
  try {
    const kernel = addon.features();
    if (!kernel.btf)
      throw new UserError(
        'no_btf',
        'the kernel has no type information (/sys/kernel/btf/vmlinux is missing): Undertrace needs a kernel of 5.10 or newer built with CONFIG_DEBUG_INFO_BTF, as those of all current distributions are',
      );
    tracer = new addon.Tracer({ object: OBJECT });
    tracer.setConstant('have_task_storage', kernel.taskStorage ? 1 : 0);
    tracer.setConstant('have_typed', kernel.hasFunction('bpf_rdonly_cast') && kernel.currentTaskBtf ? 1 : 0);
    tracer.setConstant('turn_borders', options.turns ? 1 : 0);
    tracer.setConstant('default_budget', options.payloadBudget);
    tracer.setConstant('wake_mark', Math.floor(options.ringBytes / 4));
    tracer.setConstant(
      'full_mark',
      options.ringBytes - Math.min(FULL_MARGIN, Math.floor(options.ringBytes / 4)),
    );
    tracer.setMaxEntries('ring', options.ringBytes);
    tracer.setMaxEntries('conns', options.connections);
    tracer.disableMap(kernel.taskStorage ? 'threads_by_tid' : 'threads');
    tracer.load();
    for (const start of options.messageStarts)
      tracer.update('message_starts', Buffer.from(start, 'latin1'), Uint8Array.of(1));
    return tracer;
  } catch (error) {
    tracer?.close();
    if (error instanceof UserError) throw error;
    const { code, log } = error as TracerError;
    const byVerifier = log?.includes('BEGIN PROG LOAD LOG') === true;
    // What libbpf has to say of a missing privilege points elsewhere.
    const unprivileged = !byVerifier && (code === 'EPERM' || code === 'EACCES');
    const reason = unprivileged ? `not permitted (${code})` : messageOf(error);
    const remedy = byVerifier
      ? 'its verifier does: report this with the output of `undertrace doctor --json`'
      : remedyOf(code);
    const message = `the kernel refuses the eBPF programs: ${reason}; ${remedy}`;
    throw new UserError('load_refused', message, { cause: error });
  }
}

/** Tries every program of the attach table, in its order. */
export function attachAll(tracer: Tracer): AttachOutcome[] {
  return ATTACH_TABLE.map((row) => ({ ...row, ...outcomeOf(() => tracer.attach(row.program)) }));
}

/** What comes of attaching a program, or of running one that is not attached. */
export function outcomeOf(attach: () => void): Outcome {
  try {
    attach();
    return { attached: true };
  } catch (error) {
    return { attached: false, error: messageOf(error), remedy: remedyOf((error as TracerError).code) };
  }
}
