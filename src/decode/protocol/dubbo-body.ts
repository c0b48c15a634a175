/**
 * What stands in the bodies of Dubbo 2 frames, one value after another in the frame's serialization:
 *
 *   request   version of Dubbo | service | version of the service | method | descriptor of the parameters | arguments | attachments
 *   response  status OK: kind [result or exception] [attachments]       any other: an error message
 */

import { CONTEXT_HEADERS, ContextHeaders, type ContextKey } from '../context-headers.ts';
import { HessianReader } from './dubbo-hessian.ts';
import { JsonbReader } from './dubbo-jsonb.ts';

export interface DubboRequest {
  /** Undefined where the body was not captured so far, or is in a serialization that is not read. */
  service: string | undefined;
  method: string | undefined;
  /** Of the service; empty where it is not said. */
  version: string;
  group: string;
  contextHeaders: ContextHeaders | undefined;
}

export interface DubboResponse {
  status: number;
  /** Class of the exception that was thrown: empty where it is not said, undefined where there is none. */
  exception: string | undefined;
}

/** Serializations whose bodies are read. */
export const HESSIAN2 = 2;
export const FASTJSON2 = 23;

/** Names that are longer are cut. */
const MAX_NAME = 256;
/** What is longer is no trace context. */
const MAX_VALUE = 2048;
const MAX_ATTACHMENTS = 256;
/** Kinds of responses. */
const EXCEPTION = 0;
const EXCEPTION_WITH_ATTACHMENTS = 3;
/** Not said, for a service that has none. */
const NO_VERSION = '0.0.0';

const CONTEXT_KEYS = new Map<string, ContextKey>(Object.entries(CONTEXT_HEADERS));

const hessian = new HessianReader();
const jsonb = new JsonbReader();

/** The body `[from, to)` of a request; `whole`: it is all there. */
export function readRequestBody(
  serialization: number,
  bytes: Uint8Array,
  from: number,
  to: number,
  whole: boolean,
  requestIds: ReadonlySet<string>,
): DubboRequest {
  const request: DubboRequest = {
    service: undefined,
    method: undefined,
    version: '',
    group: '',
    contextHeaders: undefined,
  };
  if (serialization === HESSIAN2) {
    hessian.over(bytes, from, to);
    if (readHessianCall(request)) readHessianAttachments(request, requestIds, whole, to);
  } else if (serialization === FASTJSON2) {
    jsonb.over(bytes, from, to);
    if (readJsonbCall(request)) readJsonbAttachments(request, requestIds, whole, to);
  }
  return request;
}

/** The body of a response with the status OK: the class of its exception, as in `DubboResponse`. */
export function readException(
  serialization: number,
  bytes: Uint8Array,
  from: number,
  to: number,
): string | undefined {
  if (serialization === HESSIAN2) {
    hessian.over(bytes, from, to);
    const kind = hessian.code - 0x90;
    hessian.at++;
    return isException(kind) ? (hessian.className(MAX_NAME) ?? '') : undefined;
  }
  if (serialization !== FASTJSON2) return undefined;
  jsonb.over(bytes, from, to);
  const kind = jsonb.openBlock() ? jsonb.byte() : undefined;
  return isException(kind) ? (jsonb.className(MAX_NAME) ?? '') : undefined;
}

function isException(kind: number | undefined): boolean {
  return kind === EXCEPTION || kind === EXCEPTION_WITH_ATTACHMENTS;
}

/** Reads up to the attachments. True if these follow. */
function readHessianCall(request: DubboRequest): boolean {
  if (hessian.string(0) === undefined) return false;
  request.service = hessian.string(MAX_NAME);
  if (request.service === undefined) return false;
  if (!setVersion(request, hessian.string(MAX_NAME)) && !hessian.skip()) return false;
  request.method = hessian.string(MAX_NAME);
  if (request.method === undefined) return false;
  let left = countParameters(hessian.string(MAX_VALUE));
  if (left < 0) return false;
  if (left > 0 && isGeneric(request) && takeName(request, hessian.string(MAX_NAME))) left--;
  for (; left > 0; left--) if (!hessian.skip()) return false;
  return hessian.openMap();
}

function readHessianAttachments(
  request: DubboRequest,
  requestIds: ReadonlySet<string>,
  whole: boolean,
  to: number,
): void {
  for (let i = 0; i < MAX_ATTACHMENTS && !hessian.closeMap(); i++) {
    const name = hessian.string(MAX_NAME);
    if (name === undefined && !hessian.skip()) return;
    const value = hessian.string(MAX_VALUE);
    if (value === undefined && !hessian.skip()) return;
    if (name !== undefined && value !== undefined) setAttachment(request, requestIds, name, value);
  }
  // The arguments were not what they were taken for.
  if (whole && hessian.at !== to) request.contextHeaders = undefined;
}

function readJsonbCall(request: DubboRequest): boolean {
  if (jsonb.block(0) === undefined) return false;
  request.service = jsonb.block(MAX_NAME);
  if (request.service === undefined) return false;
  if (!setVersion(request, jsonb.block(MAX_NAME)) && !jsonb.skipBlock()) return false;
  request.method = jsonb.block(MAX_NAME);
  if (request.method === undefined) return false;
  let left = countParameters(jsonb.block(MAX_VALUE));
  if (left < 0) return false;
  if (left > 0 && isGeneric(request) && takeName(request, jsonb.block(MAX_NAME))) left--;
  for (; left > 0; left--) if (!jsonb.skipBlock()) return false;
  return jsonb.openBlock() && jsonb.openObject();
}

function readJsonbAttachments(
  request: DubboRequest,
  requestIds: ReadonlySet<string>,
  whole: boolean,
  to: number,
): void {
  for (let i = 0; i < MAX_ATTACHMENTS && !jsonb.closeObject(); i++) {
    const name = jsonb.string(MAX_NAME);
    const value = jsonb.string(MAX_VALUE);
    if (name === undefined || value === undefined) return;
    setAttachment(request, requestIds, name, value);
  }
  if (whole && jsonb.at !== to) request.contextHeaders = undefined;
}

/** A call of a method whose name is the first argument (org.apache.dubbo.rpc.service.GenericService). */
function isGeneric({ method }: DubboRequest): boolean {
  return method === '$invoke' || method === '$invokeAsync';
}

function takeName(request: DubboRequest, method: string | undefined): boolean {
  if (method !== undefined) request.method = method;
  return method !== undefined;
}

/** False where it is no text: callbacks have null there. */
function setVersion(request: DubboRequest, version: string | undefined): boolean {
  if (version !== undefined && version !== NO_VERSION) request.version = version;
  return version !== undefined;
}

function setAttachment(
  request: DubboRequest,
  requestIds: ReadonlySet<string>,
  name: string,
  value: string,
): void {
  if (name === 'group') {
    request.group = value.slice(0, MAX_NAME);
    return;
  }
  const lower = name.toLowerCase();
  const key = CONTEXT_KEYS.get(lower);
  if (key !== undefined) (request.contextHeaders ??= new ContextHeaders()).add(key, value);
  else if (requestIds.has(lower)) (request.contextHeaders ??= new ContextHeaders()).addRequestId(value);
}

/** Parameters in a descriptor of the JVM's: `Ljava/lang/String;[IZ` has three. -1 if it is none. */
export function countParameters(descriptor: string | undefined): number {
  if (descriptor === undefined) return -1;
  let count = 0;
  for (let i = 0; i < descriptor.length; i++) {
    const c = descriptor[i]!;
    if (c === '[') continue;
    if (c === 'L') {
      i = descriptor.indexOf(';', i);
      if (i < 0) return -1;
    } else if (!'BCDFIJSZ'.includes(c)) return -1;
    count++;
  }
  return count;
}
