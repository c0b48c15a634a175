/** The head of a response: fields as of HTTP, with the status among them. RFC 3875, 6. */
import { latin1 } from '../bytes.ts';
import type { HttpResponse } from './http-message.ts';

/** Of a head that is looked at. */
const MAX_HEAD = 8192;
const OK = 200;
const FOUND = 302;

export interface FastcgiResponse extends HttpResponse {
  /** The head as far as it has come, until its end has; undefined from then on. */
  head: string | undefined;
  headSize: number;
  /** Bytes of head and body so far, and of what was told as errors. */
  stdout: number;
  stderr: number;
  /** The application's, and that of the protocol; undefined until the end. */
  appStatus: number;
  protocolStatus: number;
}

export function createFastcgiResponse(): FastcgiResponse {
  return {
    version: 10,
    bodySize: undefined,
    truncated: false,
    status: 0,
    head: '',
    headSize: 0,
    stdout: 0,
    stderr: 0,
    appStatus: 0,
    protocolStatus: 0,
  };
}

/** Takes what of a record's content has come, `length` bytes of it. */
export function addStdout(
  response: FastcgiResponse,
  bytes: Uint8Array,
  from: number,
  to: number,
  length: number,
): void {
  response.stdout += length;
  if (response.head === undefined) return;
  const room = MAX_HEAD - response.head.length;
  response.head += latin1(bytes, from, Math.min(to, from + room));
  const end = /\r?\n\r?\n/.exec(response.head);
  if (end) {
    response.headSize = end.index + end[0].length;
    endHead(response, response.head.slice(0, end.index));
  } else if (response.head.length >= MAX_HEAD || to - from < length) {
    response.truncated = true;
    response.head = undefined;
  }
}

function endHead(response: FastcgiResponse, head: string): void {
  response.head = undefined;
  const status = /^status:[ \t]*(\d{3})(?!\d)/im.exec(head);
  if (status) response.status = Number(status[1]);
  else response.status = /^location:/im.test(head) ? FOUND : OK;
}

/** What is known at the end: without a head nothing was answered. */
export function endStdout(response: FastcgiResponse): void {
  if (response.headSize > 0) response.bodySize = response.stdout - response.headSize;
  response.head = undefined;
}
