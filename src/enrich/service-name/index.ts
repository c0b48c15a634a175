import { address } from './address.ts';
import { container } from './container.ts';
import { environment } from './environment.ts';
import { executable } from './executable.ts';
import { java } from './java.ts';
import { kubernetes } from './kubernetes.ts';
import { node } from './node.ts';
import { otelResourceAttributes, otelServiceName } from './otel-environment.ts';
import { php } from './php.ts';
import { python } from './python.ts';
import { ruby } from './ruby.ts';
import { beam, bun, busybox, deno, dotnet, perl, shell } from './script.ts';
import type { ServiceNameResolver } from './service-name.ts';
import { systemd } from './systemd.ts';
import { title } from './title.ts';

/** Ways of naming a service, the first that answers wins. Overrides in the configuration stand before all of these. */
export const resolvers: readonly ServiceNameResolver[] = [
  otelServiceName,
  otelResourceAttributes,
  environment,
  kubernetes,
  container,
  systemd,
  ruby,
  title,
  java,
  node,
  python,
  php,
  perl,
  dotnet,
  deno,
  bun,
  beam,
  busybox,
  shell,
  executable,
  address,
];
