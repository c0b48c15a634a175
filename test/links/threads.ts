/** Which threads sent and read the requests of a run, from the records themselves: spans do not carry threads. */
import { DataRecord, Direction, Kind } from '../../src/capture/records.gen.ts';
import { readRecording } from '../../src/capture/recording.ts';

/** By the id of a request: the thread that sent its first bytes, and the one that read them. */
export interface Threads {
  readonly senders: ReadonlyMap<string, number>;
  readonly readers: ReadonlyMap<string, number>;
}

/** The id at the end of a path of the laboratory, in the first line of a request. */
const REQUEST_ID = /^[A-Z]+ \/w\/[^/ ]+\/[a-z]+\/([0-9a-f-]+)/;
const LONGEST_LINE = 200;

export function readThreads(recording: string): Threads {
  const senders = new Map<string, number>();
  const readers = new Map<string, number>();
  for (const batch of readRecording(recording)) {
    const data = new DataRecord(batch);
    for (let at = 0; at < batch.length; at += (data.size + 7) & ~7) {
      if (data.at(at).kind !== Kind.data) continue;
      const line = Buffer.from(data.payload.subarray(0, LONGEST_LINE)).toString('latin1');
      const id = REQUEST_ID.exec(line)?.[1];
      if (id === undefined) continue;
      const threads = data.direction === Direction.send ? senders : readers;
      if (!threads.has(id)) threads.set(id, data.tid);
    }
  }
  return { senders, readers };
}
