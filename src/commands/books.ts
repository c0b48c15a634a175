import type { Ledger } from '../base/ledger.ts';

/** Prints the ledger to standard error, a line a stage; false, loudly, if it does not balance. */
export function printBooks(ledger: Ledger): boolean {
  const lines = ledger.stages().map(([name, stage]) => {
    const lost = Object.entries(stage.lost)
      .filter(([, count]) => count > 0)
      .map(([reason, count]) => ` ${reason}=${count}`)
      .join('');
    return `  ${name}: in ${stage.in} = out ${stage.out} + held ${stage.held()} + lost${lost || ' 0'}`;
  });
  process.stderr.write(`ledger\n${lines.join('\n')}\n`);
  const imbalances = ledger.imbalances();
  for (const { stage, in: came, out, held, lost } of imbalances)
    process.stderr.write(
      `LEDGER DOES NOT BALANCE: ${stage}: in ${came}, but out ${out} + held ${held} + lost ${lost} = ${out + held + lost}\n`,
    );
  return imbalances.length === 0;
}
