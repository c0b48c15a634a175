import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Ledger } from '../../src/base/ledger.ts';
import { createExporterQueue, findExporterType } from '../../src/output/exporter/index.ts';
import { makeSpan } from '../support/make-spans.ts';

setFlagsFromString('--expose_gc');
const collectGarbage = runInNewContext('gc') as () => void;

const MIB = 1024 * 1024;
/** Some ten thousand spans as packed requests, a thousand as objects. */
const QUEUE_SIZE = MIB / 2;
function memoryInUse(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** What they are sent is not kept: only the queue holds anything. */
const TROUBLES: Array<[string, http.RequestListener]> = [
  ['hangs', (request) => request.resume()],
  ['resets', (request) => request.resume().on('end', () => request.socket.resetAndDestroy())],
  ['answers 503', (request, response) => request.resume().on('end', () => response.writeHead(503).end())],
];

describe('output memory', function () {
  this.timeout(60_000);

  for (const [what, behave] of TROUBLES) {
    it(`stays bounded by queue_size while the destination ${what}`, async () => {
      const server = http.createServer(behave).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      const ledger = new Ledger();
      const queue = await createExporterQueue(
        findExporterType('otlp_http')!,
        'otlp_http',
        {
          endpoint: `http://127.0.0.1:${port}`,
          timeout: 100,
          sending_queue: { queue_size: QUEUE_SIZE },
          retry_on_failure: { initial_interval: 1, max_interval: 5 },
        },
        { ledger },
      );
      let made = 0;
      const offer = async (count: number): Promise<number> => {
        for (const end = made + count; made < end; made++) {
          queue.offer([makeSpan(made)]);
          if (made % 500 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
        }
        collectGarbage();
        return memoryInUse();
      };
      try {
        collectGarbage();
        const before = memoryInUse();
        const full = await offer(20_000);
        assert.ok(ledger.exporters.get('otlp_http')!.lost.queue_full > 0);
        const later = await offer(30_000);
        assert.ok(queue.stats().queueSize <= QUEUE_SIZE);
        // The estimate may be wrong by a factor, and there are sockets and buffers beside the queue; but nothing grows.
        assert.ok(full - before < 16 * MIB, `${(full - before) / MIB} MiB held`);
        assert.ok(later - full < 2 * MIB, `grew by ${(later - full) / MIB} MiB`);
        assert.deepEqual(ledger.imbalances(), []);
      } finally {
        await queue.shutdown(0);
        server.closeAllConnections();
        server.close();
      }
      assert.deepEqual(ledger.imbalances(), []);
    });
  }
});
