import type { ServiceNameResolver } from './service-name.ts';

/** The address that serves, in a packet capture, which knows of no process. */
export const address: ServiceNameResolver = {
  source: 'address',
  resolve: ({ facts }) => facts.address,
};
