// Mocha's spec reporter, which also adds its counts to the file that $UNDERTRACE_SUMMARY names: one JSON object a run.
const { appendFileSync } = require('node:fs');
const { reporters } = require('mocha');

module.exports = class extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    const skipped = [];
    runner.on('pending', (test) => skipped.push(test.fullTitle()));
    runner.once('end', () => {
      const { passes, failures } = this.stats;
      const summary = { passed: passes, failed: failures, skipped };
      appendFileSync(process.env.UNDERTRACE_SUMMARY, `${JSON.stringify(summary)}\n`);
    });
  }
};
