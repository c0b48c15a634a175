import { Direction, Flag, type DataRecord } from '../capture/records.gen.ts';
import type { TrackedConnection } from './tracked-connection.ts';

/**
 * Bytes on a unix stream are counted from when the agent first saw each end, so the two ends of an old connection count from different bytes.
 * A read that leaves the receive queue empty, with no send under way, has received all that was sent: there the two counts are the same
 * byte. That no send overlaps is known at the next send only, which must have been entered after the read returned.
 *
 * Where an end was seen from its creation its count is the true one and the other end adapts; else the sender's count is taken.
 */
export function alignUnix<S>(
  own: TrackedConnection<S>,
  peer: TrackedConnection<S> | undefined,
  record: DataRecord,
): void {
  const fresh = (record.flags & Flag.fresh) !== 0;
  own.unix ??= {
    txShift: fresh ? 0 : undefined,
    rxShift: fresh ? 0 : undefined,
    drainedEnd: 0,
    drainedNs: 0,
    sentNs: 0,
  };
  const marks = own.unix;
  if (record.direction === Direction.receive) {
    if ((record.flags & Flag.drained) !== 0) {
      marks.drainedEnd = record.position + record.length;
      marks.drainedNs = record.timeNs;
    }
    return;
  }
  const sentNs = marks.sentNs;
  marks.sentNs = record.timeNs;
  const theirs = peer?.unix;
  if (!theirs || theirs.drainedNs === 0 || (marks.txShift !== undefined && theirs.rxShift !== undefined))
    return;
  if (record.enterNs <= theirs.drainedNs || sentNs >= theirs.drainedNs) return;
  const difference = record.position - theirs.drainedEnd;
  if (marks.txShift === undefined) marks.txShift = theirs.rxShift === undefined ? 0 : -difference;
  theirs.rxShift ??= difference + marks.txShift;
}
