import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { RecordingWriter, readRecording } from '../../src/capture/recording.ts';
import { writeRecord } from '../../src/capture/record-writer.ts';
import { DataRecord } from '../../src/capture/records.gen.ts';

const PAYLOAD = Buffer.from('GET /secret HTTP/1.1\r\n\r\n');

describe('capture/recording', () => {
  let directory: string;
  let path: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'recording-'));
    path = join(directory, 'a.rec');
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  /** Gives back what the writer says it has written. */
  function record(payload: boolean): number {
    const writer = new RecordingWriter(path, { payload });
    writer.write(writeRecord('data', { length: PAYLOAD.length, position: 2 ** 40, tgid: 7 }, PAYLOAD));
    writer.write(writeRecord('clock', { time_ns: 123 }));
    writer.close();
    return writer.bytes;
  }

  it('gives back what was written', () => {
    assert.equal(record(true), statSync(path).size);
    const batches = [...readRecording(path)];
    assert.equal(batches.length, 2);
    const data = new DataRecord(batches[0]);
    assert.deepEqual([data.tgid, data.position, data.length], [7, 2 ** 40, PAYLOAD.length]);
    assert.deepEqual(Buffer.from(data.payload), PAYLOAD);
  });

  it('leaves out the payload and keeps the lengths', () => {
    record(false);
    const data = new DataRecord([...readRecording(path)][0]);
    assert.deepEqual([data.size, data.captured, data.length], [DataRecord.SIZE, 0, PAYLOAD.length]);
    assert.equal(readFileSync(path).includes('secret'), false);
  });

  it('can be read by its owner only, also where the file was there before', () => {
    writeFileSync(path, 'old');
    chmodSync(path, 0o644);
    record(true);
    assert.equal(statSync(path).mode & 0o777, 0o600);
  });

  it('says what is wrong with a file', () => {
    writeFileSync(path, 'something else entirely');
    assert.throws(() => [...readRecording(path)], { code: 'not_a_recording' });
    record(true);
    truncateSync(path, statSync(path).size - 5);
    assert.throws(() => [...readRecording(path)], { code: 'recording_damaged' });
    assert.throws(() => [...readRecording(join(directory, 'absent'))], { code: 'recording_unreadable' });
    const bytes = readFileSync(path);
    bytes.write('99', 6);
    writeFileSync(path, bytes);
    assert.throws(() => [...readRecording(path)], { code: 'recording_version' });
  });
});
