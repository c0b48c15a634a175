/** Every way something can be lost, with what it means and what to do. docs/losses.md is generated from this table. */
export const LOSSES = {
  records: {
    doc: 'Records on their way out of the kernel.',
    reasons: {
      ring_full: {
        meaning:
          'The ring buffer was full: more was captured than the agent can decode, or than it may where the host has no idle CPU time. Until it has been emptied data calls are only counted.',
        remedy:
          'Exclude noisy processes (receivers.undertrace.filters); for bursts raise receivers.undertrace.ring_size.',
      },
    },
  },
  delivered: {
    doc: 'Records that reached user space.',
    reasons: {
      filtered: {
        meaning: 'The connection or process is outside the filters.',
        remedy: 'None needed; see receivers.undertrace.filters.',
      },
      unrecognised: {
        meaning: 'The connection speaks no protocol that Undertrace decodes.',
        remedy: 'See `undertrace status` for the port and its first bytes.',
      },
      unsynchronised: {
        meaning:
          'Bytes before the first message boundary of a connection joined in the middle, or after damage.',
        remedy: 'None needed at start; later see malformed.',
      },
      malformed: {
        meaning: 'Bytes that break the rules of the protocol the connection spoke until then.',
        remedy: 'Report the connection with `undertrace record`.',
      },
      duplicate: { meaning: 'The bytes had been seen already.', remedy: 'None needed.' },
      overflow: {
        meaning: 'A message was larger than a connection may buffer.',
        remedy: 'Raise receivers.undertrace.limits.connection_buffer.',
      },
      evicted: {
        meaning: 'The connection was dropped from the table, which was full.',
        remedy: 'Raise receivers.undertrace.limits.connections.',
      },
      expired: {
        meaning: 'The connection was idle or closed with an unfinished message.',
        remedy: 'None needed.',
      },
      unknown_kind: {
        meaning: 'A record of a kind or version this build does not know.',
        remedy: 'Replay with the version that recorded it.',
      },
    },
  },
  exchanges: {
    doc: 'Requests with their responses.',
    reasons: {
      filtered: {
        meaning: 'Excluded by a route, method, user agent, status or self-traffic rule.',
        remedy: 'None needed; see receivers.undertrace.filters.',
      },
      instrumented: {
        meaning:
          'Its process exports spans of its own, which say the same. Requests are counted in the metrics all the same.',
        remedy: 'None needed; `nest` in receivers.undertrace.link.instrumented keeps both.',
      },
      orphan_response: {
        meaning: 'A response whose request was before the start of the capture or was lost.',
        remedy: 'None needed at start; later see records lost.',
      },
      withdrawn: {
        meaning:
          'What looked like requests of a protocol, until the bytes that followed showed that the connection speaks another one.',
        remedy: 'None needed; if it goes on, report the connection with `undertrace record`.',
      },
      head_cut: {
        meaning:
          'A request (or several) whose head lay beyond the captured part of its run: behind a body, or in a long row of pipelined requests.',
        remedy: 'Raise receivers.undertrace.payload_limit.',
      },
      evicted: {
        meaning: 'Its connection was dropped from the table, which was full, before it could become a span.',
        remedy: 'Raise receivers.undertrace.limits.connections.',
      },
      paused: {
        meaning:
          'It was open when the capture was paused because the agent was above its limits (docs/governor.md): its end was not seen.',
        remedy:
          'Exclude noisy processes (receivers.undertrace.filters), or raise receivers.undertrace.limits.cpu.',
      },
    },
  },
  spans: {
    doc: 'Spans made.',
    reasons: {
      sampled_out: {
        meaning: 'The sampler decided against the trace.',
        remedy: 'None needed; see OTEL_TRACES_SAMPLER.',
      },
      shed: {
        meaning:
          'The agent was above its limits, so that it exported a part of the traces only, each of them whole (docs/governor.md). Requests are counted in the metrics all the same.',
        remedy:
          'Let the sampler keep less, exclude noisy processes, or raise receivers.undertrace.limits.cpu or .memory.',
      },
      no_exporter: {
        meaning: 'No exporter is in the traces pipeline.',
        remedy: 'Name one in service.pipelines.traces.exporters.',
      },
    },
  },
  exporters: {
    doc: 'Spans on their way to a destination.',
    reasons: {
      queue_full: {
        meaning: 'The queue was full; the oldest spans made room.',
        remedy: 'Look at the destination; raise sending_queue.queue_size.',
      },
      rejected: {
        meaning: 'The destination refused the spans for good (partial success or a permanent status).',
        remedy: 'Look at the destination’s log and the last error in /status.',
      },
      retries_exhausted: {
        meaning: 'The destination could not be reached within retry_on_failure.max_elapsed_time.',
        remedy: 'Look at the destination.',
      },
      shutdown: {
        meaning: 'The agent stopped before the spans could be delivered.',
        remedy: 'Raise receivers.undertrace.shutdown_timeout.',
      },
    },
  },
} as const;

export type StageName = keyof typeof LOSSES;
export type LossReason<S extends StageName> = keyof (typeof LOSSES)[S]['reasons'] & string;
