import { parseResourceAttributes } from '../resource-attributes.ts';
import type { ServiceNameResolver } from './service-name.ts';

/** The name the target was given for OpenTelemetry, whether or not it has an SDK. */
export const otelServiceName: ServiceNameResolver = {
  source: 'otel_service_name',
  resolve: ({ facts }) => facts.environ?.OTEL_SERVICE_NAME,
};

/** `service.name` among the target's OTEL_RESOURCE_ATTRIBUTES. */
export const otelResourceAttributes: ServiceNameResolver = {
  source: 'otel_resource_attributes',
  resolve: ({ facts }) => parseResourceAttributes(facts.environ?.OTEL_RESOURCE_ATTRIBUTES)['service.name'],
};
