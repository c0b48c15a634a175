import type { ServiceNameResolver } from './service-name.ts';

/** Set by orchestrators for each of their tasks, in a container or not. */
const TASK = [
  ...['NOMAD_TASK_NAME', 'NOMAD_JOB_NAME', 'K_SERVICE', 'CONTAINER_APP_NAME', 'FLY_APP_NAME'],
  ...['AWS_LAMBDA_FUNCTION_NAME', 'MARATHON_APP_ID'],
];
/** Handed down by whoever wrote the container's definition; outside of one somebody's shell may have them for all that it starts. */
const CONTAINER = ['CONTAINER_NAME', 'COMPOSE_SERVICE'];

/**
 * The name an orchestrator hands down, or the one in the cgroup path. Not HOSTNAME: most containers have their id there, and a machine that
 * is itself one container would have a single service.
 */
export const container: ServiceNameResolver = {
  source: 'container',
  resolve({ facts, container: { id, podUid, name } }) {
    const variables = id === undefined && podUid === undefined ? TASK : [...TASK, ...CONTAINER];
    const told = variables.map((variable) => facts.environ?.[variable]).find(Boolean);
    return told ? told.replace(/^\/+/, '') : name;
  },
};
