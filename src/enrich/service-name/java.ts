import { type JavaTarget, baseName, javaTarget } from '../../capture/launch.ts';
import type { NamedProcess, ServiceNameResolver } from './service-name.ts';
import { directoryName } from './words.ts';

/** Servers that are started by a main class of their own, and what people call them. */
const SERVERS: ReadonlyArray<[RegExp, string]> = [
  [/^kafka\.Kafka$|^kafka\.server\./, 'kafka'],
  [/^org\.apache\.zookeeper\./, 'zookeeper'],
  [/^org\.apache\.cassandra\./, 'cassandra'],
  [/^org\.elasticsearch\.|\/org\.elasticsearch\./, 'elasticsearch'],
  [/^org\.opensearch\./, 'opensearch'],
  [/^org\.logstash\./, 'logstash'],
  [/^org\.apache\.solr\.|^solr\./, 'solr'],
  [/^org\.apache\.activemq\.artemis/, 'artemis'],
  [/^org\.apache\.activemq/, 'activemq'],
  [/^org\.apache\.pulsar\./, 'pulsar'],
  [/^org\.apache\.hadoop\.hdfs\.server\.namenode/, 'hdfs-namenode'],
  [/^org\.apache\.hadoop\.hdfs\.server\.datanode/, 'hdfs-datanode'],
  [/^org\.apache\.flink\./, 'flink'],
  [/^org\.jboss\.|^org\.wildfly\./, 'wildfly'],
  [/^org\.apache\.karaf\./, 'karaf'],
  [/^com\.hazelcast\./, 'hazelcast'],
  [/^org\.neo4j\./, 'neo4j'],
  [/^org\.gradle\.launcher\.daemon/, 'gradle-daemon'],
  [/^io\.trino\.server\./, 'trino'],
];
const TOMCAT = /^org\.apache\.catalina\.startup\.Bootstrap$/;
/** Classes that only load the program's own. */
const LOADER =
  /^org\.springframework\.boot\.loader\.|^org\.codehaus\.(?:plexus\.classworlds|mojo)\.|^io\.quarkus\.bootstrap\.runner\.|^com\.intellij\.rt\.|^org\.gradle\.wrapper\./;
const JETTY = /^org\.eclipse\.jetty\.(?:start|runner)\./;
/** Words that a main class is often called and that do not tell. */
const GENERIC_CLASS =
  /^(?:Main|App|Application|Bootstrap|Launcher|Server|Start|Starter|Runner|Program|Boot)(?:Kt)?$/;
/** `-1.2.3`, `-2.0.0-SNAPSHOT`, `-1.0-all`, `-exec`, `-runner`: what build tools add to a jar's name. */
const VERSION =
  /[-_.](?:\d+|v?\d+(?:\.\w+)+)(?:[-_.+](?:SNAPSHOT|RELEASE|FINAL|GA|M\d+|RC\d*|alpha\d*|beta\d*|\d[\w.]*|[0-9a-f]{7,40}))*$/i;
const CLASSIFIER =
  /[-_.](?:all|exec|runner|fat|shaded|standalone|uber|boot|jar-with-dependencies|with-dependencies|SNAPSHOT)$/i;

/** A jar without version, or the main class; servers by the name people call them. */
export const java: ServiceNameResolver = {
  source: 'java',
  resolve(process) {
    if (process.runtime !== 'java') return undefined;
    const target = javaTarget(process.facts);
    const told =
      target.properties.get('otel.service.name') ?? target.properties.get('spring.application.name');
    if (told) return told;
    if (target.jar !== undefined) return jarName(target.jar, process);
    const main = target.main ?? target.module?.replace(/^[^/]*\//, '');
    return main ? className(main, target, process) : undefined;
  },
};

function jarName(path: string, { facts }: NamedProcess): string | undefined {
  let name = baseName(path).replace(/\.[jw]ar$/i, '');
  for (let before = ''; before !== name;) {
    before = name;
    name = name.replace(CLASSIFIER, '').replace(VERSION, '') || before;
  }
  if (!/^(?:app|application|main|server|service|start|bootstrap|quarkus-run|run)$/i.test(name)) return name;
  // A name that says nothing, as images give it: the manifest may know better.
  const files = facts.files ?? {};
  const main = files['manifest.Start-Class'] ?? files['manifest.Main-Class'];
  const known = main && !LOADER.test(main) ? simpleName(main) : undefined;
  return files['manifest.Implementation-Title'] || known || directoryName(facts.cwd ?? '/') || name;
}

function className(main: string, target: JavaTarget, process: NamedProcess): string | undefined {
  const server = SERVERS.find(([pattern]) => pattern.test(main));
  if (server !== undefined) return server[1];
  if (TOMCAT.test(main)) return tomcatName(target, process);
  if (JETTY.test(main)) return 'jetty';
  if (!LOADER.test(main)) return simpleName(main);
  const started =
    process.facts.files?.['manifest.Start-Class'] ??
    target.args.find((arg) => /^[\w$]+(?:\.[\w$]+)+$/.test(arg));
  return (started && simpleName(started)) || directoryName(process.facts.cwd ?? '/') || 'java-application';
}

/** The instance's directory where somebody named it. */
function tomcatName(target: JavaTarget, { facts }: NamedProcess): string {
  const base = target.properties.get('catalina.base') ?? facts.environ?.CATALINA_BASE;
  const instance = base && baseName(base);
  return instance && !/^(?:apache-)?tomcat|^(?:latest|current|default)$/i.test(instance)
    ? instance
    : 'tomcat';
}

/** `com.shop.checkout.CheckoutServer` is `CheckoutServer`, `com.shop.checkout.Main` is `checkout`. */
function simpleName(main: string): string {
  const parts = main.replace(/\$+$/, '').split('.');
  const last = parts.at(-1)!;
  const parent = parts.at(-2);
  return GENERIC_CLASS.test(last) && parent !== undefined ? parent : last.replace(/Kt$/, '');
}
