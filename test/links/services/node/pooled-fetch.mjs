// The built-in fetch (undici), which keeps a pool of connections for each back end.
import { callPath, portOf, serve } from './front-end.mjs';

async function call(letter, request) {
  const response = await fetch(`http://127.0.0.1:${portOf(letter)}${callPath(letter, request)}`);
  await response.text();
  if (response.status !== 200) throw new Error(`${letter} answered ${response.status}`);
}

serve(async (request) => {
  await call('a', request);
  await Promise.all([call('b', request), call('c', request)]);
  await call('d', request);
});
