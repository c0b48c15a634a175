import type { ServiceNameResolver } from './service-name.ts';

const VARIABLES = ['SERVICE_NAME', 'DD_SERVICE', 'ELASTIC_APM_SERVICE_NAME', 'NEW_RELIC_APP_NAME'] as const;

/** The name the target was given for another agent. */
export const environment: ServiceNameResolver = {
  source: 'environment',
  resolve({ facts }) {
    const name = VARIABLES.map((variable) => facts.environ?.[variable]).find(Boolean);
    return name?.split(';', 1)[0]; // New Relic takes several, the first is the own one
  },
};
