// Loaded into the agent of a benchmark (node --import): on SIGUSR2 those of its programs that run often leave their tracepoints, or come back, and it says
// so. So rounds without the agent can follow those with it within milliseconds, which starting it anew takes seconds for.
import { Agent } from '../../dist/agent.js';
import { loadNative } from '../../dist/capture/native.js';

const PROGRAMS = new Set(['syscall_enter', 'syscall_exit', 'run_queue', 'tcp_receive']);
const { start } = Agent.prototype;
const addon = loadNative();

/** By program, the object that it is of. */
const attached = new Map();
addon.Tracer = class extends addon.Tracer {
  attach(program) {
    super.attach(program);
    if (PROGRAMS.has(program)) attached.set(program, this);
  }
};

Agent.prototype.start = function () {
  start.call(this);
  let on = true;
  process.on('SIGUSR2', () => {
    for (const [program, tracer] of attached) {
      if (on) tracer.detach(program);
      else tracer.attach(program);
    }
    on = !on;
    process.stderr.write(`switched ${on ? 'on' : 'off'}\n`);
  });
};
