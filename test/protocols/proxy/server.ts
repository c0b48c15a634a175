import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { inCheckout } from '../../support/programs.ts';
import { ScenarioServer, type Place } from '../../support/scenario.ts';

const program = (file: string): string => inCheckout('test', 'protocols', 'proxy', file);

function configure(file: string, to: string, words: Record<string, string>): string {
  let text = readFileSync(program(file), 'utf8');
  for (const [word, value] of Object.entries(words)) text = text.replaceAll(word, value);
  writeFileSync(to, text);
  return to;
}

/** HAProxy that passes on to the port `behind`. `send` and `accept`: the options of HAProxy that write and read the header. */
export function startHaproxy(
  place: Place,
  behind: number,
  options: { send: string; accept?: string },
): Promise<ScenarioServer> {
  const config = configure('haproxy.cfg', path.join(place.folder, `haproxy-${place.port}.cfg`), {
    FRONT: String(place.port),
    BEHIND: String(behind),
    ACCEPT: options.accept ?? '',
    SEND: options.send,
  });
  return ScenarioServer.start(['haproxy', '-db', '-f', config], place);
}

export function startNginx(place: Place): Promise<ScenarioServer> {
  const config = path.join(place.folder, 'nginx.conf');
  configure('nginx.conf', config, { BEHIND: String(place.port), FOLDER: place.folder });
  return ScenarioServer.start(['nginx', '-c', config], place);
}

export function startRedis(place: Place): Promise<ScenarioServer> {
  const { host, port, folder } = place;
  const command = ['redis-server', '--bind', host, '--port', String(port), '--dir', folder, '--save', ''];
  return ScenarioServer.start(command, place);
}

/** All of them as one. */
export function together(servers: readonly ScenarioServer[]): { stop(): Promise<void> } {
  return {
    async stop() {
      for (const server of servers) await server.stop();
    },
  };
}
