import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Ledger } from '../../src/base/ledger.ts';
import { UserError } from '../../src/base/errors.ts';
import { createFileExporter } from '../../src/output/exporter/file.ts';
import { createExporterQueue, findExporterType } from '../../src/output/exporter/index.ts';
import { makeSpan, makeSpans } from '../support/make-spans.ts';
import { decodeJson, type ReceivedSpan } from '../support/otlp-proto.ts';
import { needMachine } from '../support/programs.ts';

const NEVER = new AbortController().signal;

describe('output/exporter file', () => {
  let folder: string;
  let file: string;

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'undertrace-file-'));
    file = path.join(folder, 'traces.jsonl');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  function linesOf(name: string): ReceivedSpan[][] {
    const text = readFileSync(name, 'utf8');
    assert.ok(text === '' || text.endsWith('\n'));
    return text.split('\n').slice(0, -1).map(decodeJson);
  }

  it('writes a request a line', async () => {
    const exporter = createFileExporter('file', { path: file });
    const first = await exporter.send(makeSpans(3), NEVER);
    await exporter.send(makeSpans(2, 3), NEVER);
    await exporter.close();
    assert.deepEqual(
      linesOf(file).map((spans) => spans.length),
      [3, 2],
    );
    assert.deepEqual(first, {
      result: 'done',
      accepted: 3,
      rejected: 0,
      bytes: readFileSync(file, 'utf8').indexOf('\n') + 1,
    });
  });

  it('keeps line breaks of strangers out of the lines', async () => {
    const exporter = createFileExporter('file', { path: file });
    await exporter.send([makeSpan(0, { name: 'a\r\nb\u2028c' })], NEVER);
    await exporter.close();
    assert.equal(linesOf(file)[0]![0]!.name, 'a\r\nb\u2028c');
  });

  it('has mode 0600, also where the file was there with another', async () => {
    const exporter = createFileExporter('file', { path: file });
    assert.equal(statSync(file).mode & 0o777, 0o600);
    await exporter.close();
    chmodSync(file, 0o644);
    await createFileExporter('file', { path: file }).close();
    assert.equal(statSync(file).mode & 0o777, 0o600);
  });

  it('starts afresh unless append is set', async () => {
    writeFileSync(file, '{}\n');
    await createFileExporter('file', { path: file, append: true }).close();
    assert.equal(readFileSync(file, 'utf8'), '{}\n');
    await createFileExporter('file', { path: file }).close();
    assert.equal(readFileSync(file, 'utf8'), '');
  });

  it('rotates before a file exceeds max_megabytes and keeps max_backups', async () => {
    const exporter = createFileExporter('file', {
      path: file,
      rotation: { max_megabytes: 0.01, max_backups: 2 },
    });
    for (let i = 0; i < 12; i++) await exporter.send(makeSpans(4, 4 * i), NEVER);
    await exporter.close();
    const names = readdirSync(folder).sort();
    assert.equal(names.length, 3, names.join(' '));
    for (const name of names) {
      const full = path.join(folder, name);
      assert.ok(statSync(full).size <= 0.01 * 1024 * 1024);
      assert.equal(statSync(full).mode & 0o777, 0o600);
      assert.ok(linesOf(full).length > 0);
    }
    // The newest spans are in the file itself, and the two backups hold what came right before.
    const all = names.flatMap((name) => linesOf(path.join(folder, name)).flat());
    assert.ok(
      linesOf(file)
        .flat()
        .some((span) => span.attributes['url.path'] === '/items/23'),
    );
    assert.equal(new Set(all.map((span) => span.spanId)).size, all.length);
  });

  it('removes no file that only looks like a backup', async () => {
    writeFileSync(path.join(folder, 'traces-important.jsonl'), 'keep');
    const exporter = createFileExporter('file', {
      path: file,
      rotation: { max_megabytes: 0.005, max_backups: 1 },
    });
    for (let i = 0; i < 6; i++) await exporter.send(makeSpans(4), NEVER);
    await exporter.close();
    assert.equal(readFileSync(path.join(folder, 'traces-important.jsonl'), 'utf8'), 'keep');
  });

  it('says what is wrong with a path that cannot be written', () => {
    assert.throws(
      () => createFileExporter('file/x', { path: path.join(folder, 'no', 'such') }),
      (error: unknown) =>
        error instanceof UserError && /exporters\.file\/x\.path: cannot write .*ENOENT/.test(error.message),
    );
  });

  it('leaves a batch with the queue while the disk is full, and counts it in the end', async () => {
    symlinkSync('/dev/full', file);
    const ledger = new Ledger();
    const settings = {
      path: file,
      append: true,
      retry_on_failure: { initial_interval: 1, max_interval: 1, max_elapsed_time: 20 },
      sending_queue: { batch: { flush_timeout: 1 } },
    };
    const queue = await createExporterQueue(findExporterType('file')!, 'file', settings, { ledger });
    queue.offer(makeSpans(5));
    await queue.flush();
    assert.equal(ledger.exporters.get('file')!.lost.retries_exhausted, 5);
    assert.match(queue.stats().lastError!.text, /ENOSPC/);
    assert.deepEqual(ledger.imbalances(), []);
    await queue.shutdown(0);
  });

  it('takes half a line back when the disk fills up in the middle of it, and goes on when there is room', async function () {
    const disk = path.join(folder, 'disk');
    mkdirSync(disk);
    const mount = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', disk]);
    needMachine(this, mount.status === 0, 'no file system may be mounted here');
    try {
      const ballast = path.join(disk, 'ballast');
      writeFileSync(ballast, Buffer.alloc(40_000));
      const full = path.join(disk, 'traces.jsonl');
      const exporter = createFileExporter('file', { path: full });
      assert.equal((await exporter.send(makeSpans(5), NEVER)).result, 'done');
      const refused = await exporter.send(makeSpans(40), NEVER);
      assert.equal(refused.result, 'retry');
      assert.match(refused.error, /ENOSPC/);
      assert.deepEqual(
        linesOf(full).map((spans) => spans.length),
        [5],
      );
      rmSync(ballast);
      assert.equal((await exporter.send(makeSpans(40), NEVER)).result, 'done');
      await exporter.close();
      assert.deepEqual(
        linesOf(full).map((spans) => spans.length),
        [5, 40],
      );
    } finally {
      spawnSync('umount', [disk]);
    }
  });
});
