import { request } from 'node:http';
import { parseEndpoint } from '../base/config/units.ts';
import { messageOf, UserError } from '../base/errors.ts';
import type { Endpoint, Settings } from '../base/settings.ts';
import { VERSION } from '../base/version.ts';

const TIMEOUT_MS = 10_000;

/** Asks the running agent; the body's JSON. Throws a UserError that says what to do. */
export async function askAgent<T>(given: string | undefined, settings: Settings, path: string): Promise<T> {
  const endpoint = endpointOf(given, settings);
  const shown = `http://${endpoint.host}:${endpoint.port}`;
  let answer: { status: number; body: string };
  try {
    answer = await get(endpoint, path);
  } catch (error) {
    throw new UserError(
      'agent_away',
      `no agent answers at ${shown} (${messageOf(error) || 'refused'}): start one with \`undertrace run\`, or say where it listens with --endpoint`,
      { cause: error },
    );
  }
  if (answer.status !== 200) {
    throw new UserError(
      'agent_answer',
      `${shown}${path} answers ${answer.status}: ${answer.body.trim().slice(0, 200)}`,
    );
  }
  try {
    return JSON.parse(answer.body) as T;
  } catch (error) {
    throw new UserError('agent_answer', `what listens at ${shown} is not an Undertrace agent`, {
      cause: error,
    });
  }
}

function endpointOf(given: string | undefined, settings: Settings): Endpoint {
  const endpoint = given === undefined ? settings.listener : parseEndpoint(given);
  if (given !== undefined && !endpoint) {
    throw new UserError('endpoint', `--endpoint "${given}" is not host:port, such as localhost:9464`);
  }
  if (!endpoint) {
    throw new UserError(
      'endpoint',
      'the configuration has no listener; say where the agent listens with --endpoint',
    );
  }
  // An agent that listens everywhere also listens here.
  return ['', '0.0.0.0', '::'].includes(endpoint.host) ? { ...endpoint, host: 'localhost' } : endpoint;
}

function get({ host, port }: Endpoint, path: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const headers = { 'user-agent': `undertrace/${VERSION}` };
    const sent = request({ host, port, path, headers, agent: false, timeout: TIMEOUT_MS }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') });
      });
    });
    sent.on('timeout', () => sent.destroy(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)));
    sent.on('error', (error) => reject(refusal(error)));
    sent.end();
  });
}

/** Both loopback addresses failed: one AggregateError without a text. */
function refusal(error: Error): Error {
  return error instanceof AggregateError ? (error.errors[0] as Error) : error;
}
