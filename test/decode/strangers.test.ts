/** Bytes of no known protocol are claimed by none, whichever end sees them and whether from the start of a connection or in its middle. */
import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import type { Step } from '../support/wire.ts';
import { play } from '../support/wire.ts';
import { random } from '../support/random.ts';

const ROUNDS = 300;

type Random = () => number;

function bytes(next: Random, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => Math.floor(next() * 256)));
}

function talk(...texts: ReadonlyArray<[from: Step['from'], bytes: Uint8Array | string]>): Step[] {
  return texts.map(([from, each]) => ({ from, bytes: Buffer.from(each) }));
}

/** One record of TLS application data (RFC 8446, 5.2). */
function tlsRecord(next: Random): Buffer {
  const length = 20 + Math.floor(next() * 400);
  return Buffer.concat([Buffer.from([23, 3, 3, length >> 8, length & 255]), bytes(next, length)]);
}

/** A cell of Tor's link protocol: 4 bytes circuit, command, 509 bytes, all but the command as good as random. */
function cell(next: Random): Buffer {
  return Buffer.concat([bytes(next, 4), Buffer.from([3]), bytes(next, 509)]);
}

/** Length-prefixed binary messages of no known kind. */
function framed(next: Random, width: 2 | 4): Buffer {
  const length = 1 + Math.floor(next() * 200);
  const head = Buffer.alloc(width);
  head.writeUIntBE(length, 0, width);
  return Buffer.concat([head, bytes(next, length)]);
}

const KINDS: Readonly<Record<string, (next: Random) => Step[]>> = {
  'random bytes': (next) =>
    Array.from({ length: 6 }, (_, i) => ({
      from: i % 2 === 0 ? 'client' : 'server',
      bytes: bytes(next, 1 + Math.floor(next() * 300)),
    })),
  'TLS in its middle': (next) =>
    talk(['client', tlsRecord(next)], ['server', tlsRecord(next)], ['client', tlsRecord(next)]),
  SSH: (next) =>
    talk(
      ['server', 'SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n'],
      ['client', 'SSH-2.0-OpenSSH_9.2p1\r\n'],
      ['client', Buffer.concat([Buffer.from([0, 0, 5, 0xdc, 8, 20]), bytes(next, 500)])],
      ['server', bytes(next, 800)],
    ),
  gzip: (next) =>
    talk(['client', gzipSync(bytes(next, 300))], ['server', gzipSync('x'.repeat(1 + next() * 5000))]),
  SMTP: () =>
    talk(
      ['server', '220 mail.example.org ESMTP Postfix\r\n'],
      ['client', 'EHLO client.example.org\r\n'],
      ['server', '250-mail.example.org\r\n250-PIPELINING\r\n250 8BITMIME\r\n'],
      ['client', 'MAIL FROM:<a@example.org>\r\n'],
      ['server', '250 2.1.0 Ok\r\n'],
      ['client', 'QUIT\r\n'],
      ['server', '221 2.0.0 Bye\r\n'],
    ),
  POP3: () =>
    talk(
      ['server', '+OK POP3 ready\r\n'],
      ['client', 'USER alice\r\n'],
      ['server', '+OK\r\n'],
      ['client', 'PASS secret\r\n'],
      ['server', '-ERR authentication failed\r\n'],
      ['client', 'QUIT\r\n'],
      ['server', '+OK bye\r\n'],
    ),
  FTP: () =>
    talk(
      ['server', '220 (vsFTPd 3.0.3)\r\n'],
      ['client', 'USER anonymous\r\n'],
      ['server', '331 Please specify the password.\r\n'],
      ['client', 'PASS x\r\n'],
      ['server', '230 Login successful.\r\n'],
      ['client', 'STAT\r\n'],
      ['server', '211 End of status\r\n'],
    ),
  IMAP: () =>
    talk(
      ['server', '* OK [CAPABILITY IMAP4rev1] ready\r\n'],
      ['client', 'a1 LOGIN u p\r\n'],
      ['server', 'a1 OK LOGIN completed\r\n'],
      ['client', 'a2 SELECT inbox\r\n'],
      ['server', '* 3 EXISTS\r\na2 OK done\r\n'],
    ),
  'Tor-like cells': (next) => talk(['client', cell(next)], ['server', cell(next)], ['client', cell(next)]),
  'frames with a length of two bytes': (next) =>
    talk(['client', framed(next, 2)], ['server', framed(next, 2)], ['client', framed(next, 2)]),
  'frames with a length of four bytes': (next) =>
    talk(['client', framed(next, 4)], ['server', framed(next, 4)], ['client', framed(next, 4)]),
  'lines of words': (next) =>
    Array.from({ length: 6 }, (_, i) => ({
      from: i % 2 === 0 ? 'client' : 'server',
      bytes: Buffer.from(
        `${Array.from({ length: 1 + next() * 6 }, () => Math.floor(next() * 1e9).toString(36)).join(' ')}\r\n`,
      ),
    })),
};

describe('decode: bytes of strangers', function () {
  this.timeout(120_000);
  for (const [kind, make] of Object.entries(KINDS)) {
    it(`are claimed by nobody: ${kind}`, () => {
      const next = random(kind.length);
      for (let round = 0; round < ROUNDS; round++) {
        const steps = make(next);
        for (const role of ['client', 'server'] as const)
          for (const lost of [new Set<number>(), new Set([0])])
            assert.deepEqual(
              play(role, steps, { lost }).opened.map(({ protocol }) => protocol),
              [],
              `round ${round}, ${role}: ${JSON.stringify(steps.map(({ bytes: each }) => Buffer.from(each!).toString('latin1')))}`,
            );
      }
    });
  }
});
