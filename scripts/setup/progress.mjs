/** Shows what the set-up does, one line a step; on a terminal with the seconds running. */
const TICK_MS = 1000;

export class Progress {
  #stream;
  #line = '';
  #started = 0;
  #timer;

  constructor(stream = process.stderr) {
    this.#stream = stream;
  }

  say(text) {
    this.#stream.write(`${text}\n`);
  }

  begin(text) {
    this.#line = text;
    this.#started = performance.now();
    this.#stream.write(this.#stream.isTTY ? text : `${text} ...\n`);
    if (!this.#stream.isTTY) return;
    this.#timer = setInterval(() => this.#stream.write(`\r${this.#line} ... ${this.#seconds(0)} s`), TICK_MS);
    this.#timer.unref();
  }

  end(outcome) {
    clearInterval(this.#timer);
    const done = `${outcome} after ${this.#seconds(1)} s`;
    this.#stream.write(this.#stream.isTTY ? `\r${this.#line} ... ${done}\n` : `      ${done}\n`);
  }

  #seconds(digits) {
    return ((performance.now() - this.#started) / 1000).toFixed(digits);
  }
}
