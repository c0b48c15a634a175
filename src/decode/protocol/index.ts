import type { Decoder } from '../decoder.ts';
import { createHttp1, type Http1Options } from './http1.ts';

export type DecoderOptions = Http1Options;

/** Every protocol, strictest probe first. */
export function createDecoders(options: DecoderOptions = {}): Decoder[] {
  return [createHttp1(options)];
}
