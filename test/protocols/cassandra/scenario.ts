import { writeFileSync } from 'node:fs';
import { freePorts } from '../../support/collector.ts';
import { ScenarioServer, programsOf, type Place, type Scenario } from '../../support/scenario.ts';

const { runs } = programsOf('cassandra');
/** What drivers ask to set up connections and to learn of the cluster. */
const SETTING_UP = [
  ...[
    'OPTIONS',
    'STARTUP',
    'REGISTER',
    'SELECT system.local',
    'SELECT system.peers',
    'SELECT system.peers_v2',
  ],
  ...['SELECT system_schema.keyspaces', 'SELECT system_schema.tables'],
];
/** Modules that Cassandra looks into, by its own start script. */
const EXPORTS = [
  ...[
    'java.base/jdk.internal.misc',
    'java.base/jdk.internal.ref',
    'java.base/sun.nio.ch',
    'java.sql/java.sql',
  ],
  ...['java.management.rmi/com.sun.jmx.remote.internal.rmi', 'java.rmi/sun.rmi.registry'],
  ...['java.rmi/sun.rmi.server', 'java.base/java.lang.ref', 'jdk.unsupported/sun.misc'],
];
const OPENS = [
  ...['java.base/java.lang.module', 'java.base/jdk.internal.loader', 'java.base/jdk.internal.ref'],
  ...['java.base/jdk.internal.reflect', 'java.base/jdk.internal.math', 'java.base/jdk.internal.module'],
  ...[
    'java.base/jdk.internal.util.jar',
    'jdk.management/com.sun.management.internal',
    'java.base/sun.nio.ch',
  ],
  ...['java.base/java.io', 'java.base/java.nio', 'java.base/java.util', 'java.base/java.util.concurrent'],
  ...['java.base/java.util.concurrent.atomic', 'java.base/java.lang', 'java.rmi/sun.rmi.transport.tcp'],
];

/** One node for itself, with small caches. */
function settings({ port, folder }: Place, storagePort: number): unknown {
  return {
    cluster_name: 'test',
    num_tokens: 1,
    partitioner: 'org.apache.cassandra.dht.Murmur3Partitioner',
    endpoint_snitch: 'SimpleSnitch',
    commitlog_sync: 'periodic',
    commitlog_sync_period: '10000ms',
    commitlog_segment_size: '4MiB',
    commitlog_total_space: '32MiB',
    memtable_heap_space: '32MiB',
    memtable_offheap_space: '32MiB',
    file_cache_size: '32MiB',
    key_cache_size: '1MiB',
    disk_access_mode: 'standard',
    data_file_directories: [`${folder}/data`],
    commitlog_directory: `${folder}/commitlog`,
    saved_caches_directory: `${folder}/caches`,
    hints_directory: `${folder}/hints`,
    cdc_raw_directory: `${folder}/cdc`,
    listen_address: '127.0.0.1',
    rpc_address: '127.0.0.1',
    storage_port: storagePort,
    native_transport_port: port,
    auto_bootstrap: false,
    seed_provider: [
      {
        class_name: 'org.apache.cassandra.locator.SimpleSeedProvider',
        parameters: [{ seeds: `127.0.0.1:${storagePort}` }],
      },
    ],
  };
}

const LOGGING = `<configuration><appender name="out" class="ch.qos.logback.core.ConsoleAppender"><encoder>
<pattern>%-5level %logger{20} %msg%n</pattern></encoder></appender><root level="WARN"><appender-ref ref="out"/></root></configuration>`;

async function start(place: Place): Promise<ScenarioServer> {
  const { folder } = place;
  const [storagePort] = (await freePorts(1)) as [number];
  // JSON is YAML.
  writeFileSync(`${folder}/cassandra.yaml`, JSON.stringify(settings(place, storagePort)));
  writeFileSync(`${folder}/logback.xml`, LOGGING);
  const properties = {
    'jdk.attach.allowAttachSelf': 'true',
    'cassandra.config': `file://${folder}/cassandra.yaml`,
    'cassandra.storagedir': folder,
    'cassandra.skip_wait_for_gossip_to_settle': '0',
    'cassandra.ring_delay_ms': '1',
    'cassandra.unsafesystem': 'true',
    'cassandra-foreground': 'true',
    'logback.configurationFile': `${folder}/logback.xml`,
  };
  return ScenarioServer.start(
    [
      ...['java', '-Xms256m', '-Xmx512m', '-Xss512k', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'],
      ...Object.entries(properties).map(([name, value]) => `-D${name}=${value}`),
      ...EXPORTS.flatMap((name) => ['--add-exports', `${name}=ALL-UNNAMED`]),
      ...OPENS.flatMap((name) => ['--add-opens', `${name}=ALL-UNNAMED`]),
      'org.apache.cassandra.service.CassandraDaemon',
    ],
    place,
    { timeoutMs: 180_000 },
  );
}

export const scenario: Scenario = {
  protocol: 'cassandra',
  start,
  clients: [
    {
      name: 'node',
      command: runs('node', 'client.cjs'),
      before: (count) => 5 * count + 4,
      expects: (count) => [
        { name: 'CREATE KEYSPACE shop', count: 1 },
        { name: 'CREATE TABLE shop.orders', count: 1 },
        { name: 'PREPARE INSERT shop.orders', count: 1 },
        { name: 'PREPARE SELECT shop.orders', count: 2 },
        { name: 'INSERT shop.orders', count, attributes: { 'cassandra.consistency.level': 'quorum' } },
        { name: 'SELECT shop.orders', count: count + 1000, attributes: { 'db.system.name': 'cassandra' } },
        { name: 'UPDATE shop.orders', count, attributes: { 'cassandra.consistency.level': 'local_one' } },
        { name: 'BATCH DELETE shop.orders', count, attributes: { 'db.operation.batch.size': 2 } },
        { name: 'SELECT shop.orders', count, errorType: '0x2200' },
      ],
      tolerates: SETTING_UP,
    },
    {
      name: 'python',
      command: runs('python3', 'client.py'),
      before: (count) => count + count / 10 + 2,
      expects: (count) => [
        { name: 'CREATE KEYSPACE library', count: 1 },
        { name: 'CREATE TABLE library.pages', count: 1 },
        { name: 'INSERT library.pages', count, attributes: { 'cassandra.page.size': 5000 } },
        { name: 'PREPARE SELECT library.pages', count: 1 },
        { name: 'PREPARE UPDATE library.pages', count: 1 },
        // The last page is empty.
        { name: 'SELECT library.pages', count: count / 10 + 1 + 1000 + 3 },
        { name: 'UPDATE library.pages', count: 3 },
      ],
    },
  ],
};
