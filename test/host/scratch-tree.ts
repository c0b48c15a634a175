import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { HostSource, Probe, Told } from '../../src/host/probe/probe.ts';
import { treeSource } from '../support/host-tree.ts';
import { random } from '../support/random.ts';
import { TreeMaker } from './make-tree.ts';

/** A host whose files a test writes, and writes anew between two readings. */
export class ScratchTree {
  readonly source: HostSource;
  readonly tree: TreeMaker;
  readonly #root = mkdtempSync(path.join(tmpdir(), 'undertrace-host-'));

  constructor() {
    this.tree = new TreeMaker(this.#root, random(1));
    this.source = treeSource(this.#root);
  }

  remove(): void {
    rmSync(this.#root, { recursive: true });
  }
}

/** `[attributes…, value]` of the figures of one instrument. */
export function figuresOf(probe: Probe, source: HostSource, name: string): Array<Array<string | number>> {
  return toldBy(probe, source).flatMap((told) =>
    'instrument' in told && told.instrument.name === name ? [[...told.attributes, told.value as number]] : [],
  );
}

export function toldBy(probe: Probe, source: HostSource): Told[] {
  return [...probe.read(source)];
}
