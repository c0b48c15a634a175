import assert from 'node:assert/strict';
import { connections } from '../../../src/host/probe/connections.ts';
import { Omitted } from '../../../src/host/probe/probe.ts';
import { figuresOf, ScratchTree, toldBy } from '../scratch-tree.ts';

describe('host/probe/connections', () => {
  it('does not look at sockets one by one where there are too many', () => {
    const scratch = new ScratchTree();
    try {
      const { tree, source } = scratch;
      tree.file(
        'proc/net/sockstat',
        'TCP: inuse 4000 orphan 0 tw 2000 alloc 6000 mem 1\nUDP: inuse 4 mem 0\n',
      );
      tree.file('proc/net/snmp', 'Tcp: InSegs CurrEstab\nTcp: 5 3900\n');
      assert.deepEqual(figuresOf(connections, source, 'system.network.connection.count'), [
        ['tcp', 'established', 3900],
        ['tcp', 'time_wait', 2000],
        ['udp', '', 4],
      ]);
      const omitted = toldBy(connections, source).filter((told) => told instanceof Omitted);
      assert.deepEqual(
        omitted.map(({ count }) => count),
        [100],
      );
    } finally {
      scratch.remove();
    }
  });
});
