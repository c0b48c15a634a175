import type { Decoder } from '../decoder.ts';
import { createHttp1, type Http1Options } from './http1.ts';

export type DecoderOptions = Http1Options;

/** Every protocol, strictest probe first. */
export function createDecoders(options: DecoderOptions): Decoder[] {
  return [createHttp1(options)];
}

const all = createDecoders({ redactedQueryKeys: [], requestIdHeaders: [] });
/** Names of the protocols, and what their messages begin with (`Decoder.starts`). */
export const PROTOCOLS: readonly string[] = all.map(({ name }) => name);
export const MESSAGE_STARTS: readonly string[] = all.flatMap(({ starts }) => starts);
