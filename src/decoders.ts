import type { ReceiverSettings } from './base/settings.ts';
import type { DatagramDecoder, Decoder } from './decode/decoder.ts';
import { createDatagramDecoders, createDecoders } from './decode/protocol/index.ts';

/** The decoders that the configuration leaves on. */
export function createAllDecoders(
  receiver: Pick<ReceiverSettings, 'redact' | 'link' | 'limits' | 'protocolsOff'>,
): { decoders: Decoder[]; datagramDecoders: DatagramDecoder[] } {
  const { redact, link, limits, protocolsOff } = receiver;
  const off: readonly string[] = protocolsOff;
  const isOn = ({ name }: { name: string }): boolean => !off.includes(name);
  const options = {
    redactedQueryKeys: redact.queryKeys,
    requestIdHeaders: link.requestIdHeaders,
    queryText: { mode: redact.queryText, limit: limits.queryText },
  };
  return {
    decoders: createDecoders(options).filter(isOn),
    datagramDecoders: createDatagramDecoders().filter(isOn),
  };
}
