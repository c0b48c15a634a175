import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

import { UserError, messageOf } from '../base/errors.ts';
import type * as Addon from '../../native/index.js';

export type { Tracer, TracerError } from '../../native/index.js';
export type NativeAddon = typeof Addon;

const BUILD = new URL('../../build/', import.meta.url);
const ADDON = fileURLToPath(new URL('undertrace.node', BUILD));

/** The eBPF object for this machine's architecture, as made by `npm run setup`. */
export const OBJECT = fileURLToPath(new URL(`bpf/${process.arch}/undertrace.bpf.o`, BUILD));

/** The eBPF object of the host's probes; the agent does without where it is not there. */
export const HOST_OBJECT = fileURLToPath(new URL(`bpf/${process.arch}/host.bpf.o`, BUILD));

/** Loads the addon; what is missing or does not fit is said with its remedy. */
export function loadNative(): NativeAddon {
  for (const file of [ADDON, OBJECT]) {
    if (existsSync(file)) continue;
    throw new UserError(
      'not_built',
      `${file} does not exist: run \`npm run setup\` in the checkout${process.arch === 'x64' || process.arch === 'arm64' ? '' : ` (only x64 and arm64 are supported, this is ${process.arch})`}`,
    );
  }
  try {
    return createRequire(import.meta.url)(ADDON) as NativeAddon;
  } catch (error) {
    throw new UserError(
      'addon_unusable',
      `the addon ${ADDON} cannot be loaded (${messageOf(error)}): it was built for another system; run \`make -C native clean\` and \`npm run setup\``,
      { cause: error },
    );
  }
}
