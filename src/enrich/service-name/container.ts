import type { ServiceNameResolver } from './service-name.ts';

const VARIABLES = [
  ...['COMPOSE_SERVICE', 'NOMAD_TASK_NAME', 'NOMAD_JOB_NAME', 'K_SERVICE', 'CONTAINER_APP_NAME'],
  ...['FLY_APP_NAME', 'AWS_LAMBDA_FUNCTION_NAME', 'MARATHON_APP_ID'],
];
/**
 * The name an orchestrator hands down, or the one in the cgroup path. Not HOSTNAME, nor CONTAINER_NAME: most containers have their id there, and a
 * machine that is itself one container would have a single service.
 */
export const container: ServiceNameResolver = {
  source: 'container',
  resolve({ facts, container }) {
    const environ = facts.environ ?? {};
    const told = VARIABLES.map((variable) => environ[variable]).find(Boolean);
    if (told) return told.replace(/^\/+/, '');
    return container.name;
  },
};
