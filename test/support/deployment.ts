/** What the files for systemd and Docker Compose say of the agent's rights. */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { inCheckout } from './programs.ts';

export const UNIT = inCheckout('deploy', 'undertrace.service');
export const COMPOSE = inCheckout('docker-compose.yml');

interface ComposeService {
  image: string;
  build?: string;
  profiles?: string[];
  cap_drop?: string[];
  cap_add?: string[];
  volumes?: string[];
  ports?: string[];
  healthcheck?: object;
}

export interface Compose {
  services: Record<string, ComposeService>;
  volumes: Record<string, null>;
}

export function readCompose(): Compose {
  return parse(readFileSync(COMPOSE, 'utf8')) as Compose;
}

/** `CAP_BPF` and so on, of the unit. */
export function unitCapabilities(): string[] {
  const [, list] = /^CapabilityBoundingSet=(.+)$/m.exec(readFileSync(UNIT, 'utf8'))!;
  return list!.split(' ');
}
