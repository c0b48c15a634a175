import { Claim, type Decoder } from './decoder.ts';

/** What bytes of no known protocol look like, so that a user sees what he misses. */
export type ByteClass =
  'tls' | 'ktls' | 'http2' | 'ssh' | 'text' | 'binary' | 'damaged' | 'datagram' | 'empty';

export interface Classification {
  claim: Claim;
  decoder: Decoder | undefined;
}

/** Asks every decoder; the first that claims wins, one that needs more bytes keeps the question open. One result object for all calls. */
export function classify(
  decoders: readonly Decoder[],
  bytes: Uint8Array,
  from: number,
  to: number,
  final: boolean,
  joined: boolean,
  result: Classification,
): Classification {
  result.claim = Claim.no;
  result.decoder = undefined;
  for (const decoder of decoders) {
    const claim = decoder.probe(bytes, from, to, final, joined);
    if (claim === Claim.request || claim === Claim.response) {
      result.claim = claim;
      result.decoder = decoder;
      return result;
    }
    if (claim === Claim.more) result.claim = claim;
  }
  return result;
}

/** TLS record types change_cipher_spec, alert, handshake, application_data, version 3.x (RFC 8446, 5.1). */
function isTls(bytes: Uint8Array, from: number, to: number): boolean {
  const type = bytes[from]!;
  return to - from >= 3 && type >= 0x14 && type <= 0x17 && bytes[from + 1] === 3 && bytes[from + 2]! <= 4;
}

function startsWith(bytes: Uint8Array, from: number, to: number, text: string): boolean {
  if (to - from < text.length) return false;
  for (let i = 0; i < text.length; i++) if (bytes[from + i] !== text.charCodeAt(i)) return false;
  return true;
}

/** Looks at the first 32 bytes. */
export function byteClass(bytes: Uint8Array, from: number, to: number): ByteClass {
  if (to <= from) return 'empty';
  if (isTls(bytes, from, to)) return 'tls';
  if (startsWith(bytes, from, to, 'PRI * HTTP/2.0')) return 'http2';
  if (startsWith(bytes, from, to, 'SSH-')) return 'ssh';
  const end = Math.min(to, from + 32);
  for (let i = from; i < end; i++) {
    const byte = bytes[i]!;
    const printable = (byte >= 0x20 && byte < 0x7f) || byte === 0x09 || byte === 0x0a || byte === 0x0d;
    if (!printable) return 'binary';
  }
  return 'text';
}
