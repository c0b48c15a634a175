/**
 * `npm start`: sets up what is missing, then becomes the service.
 *
 *   npm start -- [options of `undertrace run`]
 *
 * The service runs in this very process, so that signals, exit code and terminal are its own.
 */
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { explain, setUp } from './setup.mjs';

const MAIN = resolve(fileURLToPath(import.meta.url), '../../dist/main.js');

try {
  await setUp();
} catch (error) {
  console.error(explain(error));
  process.exit(1);
}
process.argv = [process.argv[0], MAIN, 'run', ...process.argv.slice(2)];
await import(pathToFileURL(MAIN).href);
