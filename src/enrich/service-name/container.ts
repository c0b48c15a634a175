import type { ServiceNameResolver } from './service-name.ts';

const VARIABLES = [
  ...[
    'CONTAINER_NAME',
    'COMPOSE_SERVICE',
    'NOMAD_TASK_NAME',
    'NOMAD_JOB_NAME',
    'K_SERVICE',
    'CONTAINER_APP_NAME',
  ],
  ...['FLY_APP_NAME', 'AWS_LAMBDA_FUNCTION_NAME', 'MARATHON_APP_ID'],
];
/** What runtimes call a container that nobody named: the start of its id. */
const GENERATED_HOST = /^[0-9a-f]{12,64}$/;

/** The name an orchestrator hands down, the one in the cgroup path, or the host name that somebody gave the container. */
export const container: ServiceNameResolver = {
  source: 'container',
  resolve({ facts, container, hostName }) {
    const environ = facts.environ ?? {};
    const told = VARIABLES.map((variable) => environ[variable]).find(Boolean);
    if (told) return told.replace(/^\/+/, '');
    if (container.name !== undefined) return container.name;
    const host = environ.HOSTNAME;
    if (container.id === undefined || !host || host === hostName || GENERATED_HOST.test(host))
      return undefined;
    return host.split('.', 1)[0];
  },
};
