import { loadSettings } from '../../src/config.ts';

/** What config/default.yaml says, with no environment and no terminal. */
export const DEFAULTS = loadSettings({ env: {}, isTty: false }).receiver;
