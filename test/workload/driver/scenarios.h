/* One function a scenario; what each does stands at its definition. */
#ifndef SCENARIOS_H
#define SCENARIOS_H

#define SCENARIO(name) void scenario_##name(int argc, char **argv)
SCENARIO(calls);
SCENARIO(messages);
SCENARIO(iovecs);
SCENARIO(mmsg);
SCENARIO(unconnected);
SCENARIO(peek);
SCENARIO(trunc);
SCENARIO(waitall);
SCENARIO(partial);
SCENARIO(eintr);
SCENARIO(zero);
SCENARIO(files);
SCENARIO(bodies);
SCENARIO(long);
SCENARIO(dup);
SCENARIO(fork);
SCENARIO(rights);
SCENARIO(reuse);
SCENARIO(writers);
SCENARIO(fin);
SCENARIO(half);
SCENARIO(reset);
SCENARIO(refused);
SCENARIO(timeout);
SCENARIO(killed);
SCENARIO(exchanges);
SCENARIO(verdicts);
SCENARIO(again);
SCENARIO(across);
SCENARIO(moved);
SCENARIO(faults);
SCENARIO(many);
SCENARIO(uring);
SCENARIO(images);
SCENARIO(wakes);

#endif
