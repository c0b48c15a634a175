import type { Stream } from '../connection/stream.ts';
import { startsWith } from './bytes.ts';
import { Claim, fits, type Decoder } from './decoder.ts';

/** What bytes of no known protocol look like, so that a user sees what he misses. */
export type ByteClass =
  'tls' | 'ktls' | 'http2' | 'ssh' | 'text' | 'binary' | 'damaged' | 'datagram' | 'empty';

export interface Classification {
  claim: Claim;
  decoder: Decoder | undefined;
  /** Nothing but this protocol begins so. */
  sure: boolean;
}

/** The bytes at the cursor of one direction, and what is known beside them. */
export interface Question {
  stream: Stream;
  other: Stream;
  /** Nothing says that a message begins here. */
  joined: boolean;
  /** Who sent them is known by who connected, if it is. */
  sentByClient: boolean | undefined;
  /** What they are known not to be. */
  refuted: Decoder | undefined;
}

/**
 * Asks every decoder; the first that claims wins, one that needs more bytes keeps the question open (`more`). One for whom the bytes are only like
 * its own wins where the other direction bears it out; until then it keeps the question open, too (`like`). One result object for all calls.
 */
export function classify(
  decoders: readonly Decoder[],
  question: Question,
  result: Classification,
): Classification {
  const { stream, other, joined, refuted, sentByClient } = question;
  result.claim = Claim.no;
  result.decoder = undefined;
  result.sure = true;
  for (const decoder of decoders) {
    if (decoder === refuted || decoder.handedOver) continue;
    const claim = probe(decoder, stream, joined);
    if (claim === Claim.no) continue;
    if (claim === Claim.request || claim === Claim.response || claim === Claim.either) {
      result.claim = claim === Claim.either ? claimBySender(sentByClient) : claim;
      result.decoder = decoder;
      return result;
    }
    if (claim === Claim.more) {
      result.claim = claim;
      continue;
    }
    const answer = other.available === 0 ? Claim.more : probe(decoder, other, joined);
    const borneOut = answer === Claim.more ? answer : bearOut(claim, answer, question.sentByClient);
    if (borneOut === Claim.more && result.claim === Claim.no) result.claim = Claim.like;
    if (borneOut === Claim.more || borneOut === Claim.no) continue;
    result.claim = borneOut;
    result.decoder = decoder;
    result.sure = false;
    return result;
  }
  return result;
}

function probe(decoder: Decoder, { window, at, limit, blocked }: Stream, joined: boolean): Claim {
  return decoder.probe(window, at, limit, blocked, joined);
}

/** A message that either end may have sent. Where it is not known who connected, it is taken for the first one, which the client sends. */
function claimBySender(sentByClient: boolean | undefined): Claim {
  return sentByClient === false ? Claim.response : Claim.request;
}

/** What bytes with a `like` claim are, where those of the other direction have the claim `other`. */
function bearOut(claim: Claim, other: Claim, sentByClient: boolean | undefined): Claim {
  const mayBe = (byClient: boolean): boolean =>
    sentByClient !== !byClient && fits(claim, byClient) && fits(other, !byClient);
  const request = mayBe(true);
  if (request === mayBe(false)) return Claim.no;
  return request ? Claim.request : Claim.response;
}

/** TLS record types change_cipher_spec, alert, handshake, application_data, version 3.x (RFC 8446, 5.1). */
function isTls(bytes: Uint8Array, from: number, to: number): boolean {
  const type = bytes[from]!;
  return to - from >= 3 && type >= 0x14 && type <= 0x17 && bytes[from + 1] === 3 && bytes[from + 2]! <= 4;
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
