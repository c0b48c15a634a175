// Loaded into the agent of a benchmark (node --import): on SIGUSR2 its programs leave the system call tracepoints, or come back, and it says so. So rounds
// without the agent can follow those with it within milliseconds, which starting it anew takes seconds for.
import { Agent } from '../../dist/agent.js';

const PROGRAMS = ['syscall_enter', 'syscall_exit'];
const { start } = Agent.prototype;

Agent.prototype.start = function () {
  start.call(this);
  const { tracer } = this.capture;
  let on = true;
  process.on('SIGUSR2', () => {
    for (const program of PROGRAMS) {
      if (on) tracer.detach(program);
      else tracer.attach(program);
    }
    on = !on;
    process.stderr.write(`switched ${on ? 'on' : 'off'}\n`);
  });
};
