/**
 * Writes the dashboards of config/grafana/ from their descriptions in scripts/dashboards/. `npm run gen:dashboards`; a test compares.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { agent } from './dashboards/agent.ts';
import { type Dashboard, render } from './dashboards/dashboard.ts';
import { host } from './dashboards/host.ts';
import { overview } from './dashboards/overview.ts';
import { service } from './dashboards/service.ts';

const ROOT = new URL('..', import.meta.url);

export const DASHBOARDS: readonly Dashboard[] = [overview, service, host, agent];

/** Text by path, relative to the repository. */
export async function generateDashboards(): Promise<Record<string, string>> {
  const options = (await resolveConfig(fileURLToPath(new URL('package.json', ROOT)))) ?? {};
  const entries = DASHBOARDS.map(async (dashboard): Promise<[string, string]> => [
    `config/grafana/${dashboard.name}.json`,
    await format(JSON.stringify(render(dashboard)), { ...options, parser: 'json' }),
  ]);
  return Object.fromEntries(await Promise.all(entries));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [path, text] of Object.entries(await generateDashboards()))
    writeFileSync(new URL(path, ROOT), text);
}
