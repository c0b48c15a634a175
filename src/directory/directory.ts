/** One client span by its hop key. docs/ids.md has the form of both, and a test vector. */
export interface DirectoryEntry {
  readonly key: string;
  readonly value: string;
}

/** Where the agents of several hosts find each other's client spans. Both calls are one round trip, and reject where it fails. */
export interface Directory {
  publish(batch: readonly DirectoryEntry[]): Promise<void>;
  /** What is known of these keys, in any order. */
  lookUp(keys: readonly string[]): Promise<DirectoryEntry[]>;
  /** What is under way is given up. */
  close(): void;
}

/** What became of it, since the start. */
export interface DirectoryFigures {
  published: number;
  lookedUp: number;
  found: number;
  missed: number;
  /** Entries and keys of calls that failed or took too long. */
  failed: { publish: number; lookUp: number };
  /** For want of room while the directory was slow or away. */
  dropped: { publish: number; lookUp: number };
}
