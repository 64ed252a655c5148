import { readFileSync } from 'node:fs';
import { z } from 'zod';

/** Program: `node count-results.ts REPORT STATUS` prints `passed failed` from vitest's JSON report. */
const reportSchema = z.object({
  numPassedTests: z.int(),
  numFailedTests: z.int(),
  testResults: z.array(z.object({ status: z.string(), assertionResults: z.array(z.unknown()) })),
});

function count(file: string, status: number): { passed: number; failed: number } {
  const text = readFileSync(file, 'utf8');
  // The runner ended before it could report.
  if (text === '') return { passed: 0, failed: 1 };
  const report = reportSchema.parse(JSON.parse(text));
  const unloadable = report.testResults.filter((f) => f.status === 'failed' && f.assertionResults.length === 0).length;
  const failed = report.numFailedTests + unloadable;
  // Errors outside of any test make the run fail, too.
  return { passed: report.numPassedTests, failed: failed === 0 && status !== 0 ? 1 : failed };
}

const [file = '', status = '1'] = process.argv.slice(2);
const { passed, failed } = count(file, Number(status));
process.stdout.write(`${passed} ${failed}\n`);
