/** `inputs` are files and directories, `outputs` files, all relative to the root; `key` is what else it depends on. */
export interface Stamp {
  readonly name: string;
  readonly key?: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

export class Stamps {
  constructor(root: string, path: string);
  isFresh(stamp: Stamp): boolean;
  prepare(stamp: Stamp): () => void;
}
