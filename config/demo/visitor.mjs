/** Who visits the demo: a request every 200 ms to the URL in the first argument, one in 20 of them to a page that fails. */
const [, , base] = process.argv;
const PAUSE_MS = 200;

for (let n = 0; ; n++) {
  const page = n % 20 === 19 ? 'fail' : `visits/visitor-${n % 7}`;
  try {
    await (await fetch(`${base}/${page}`)).text();
  } catch (error) {
    console.error(`${base} does not answer: ${error.message}`);
  }
  await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
}
