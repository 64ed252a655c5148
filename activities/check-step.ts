import { SluiceError } from '../domain/errors.ts';
import { stepOptions } from '../domain/step-options.ts';
import { holds } from '../domain/templates.ts';
import type { Attempt } from './attempt.ts';
import { createStepActivity } from './step-activity.ts';
import type { StepDeps, StepResult } from './step-work.ts';
import { readStepOptions } from './step-options.ts';
import type { LightStepActivities } from './types.ts';

/** What a check came to; what its conditions look at is in it by its result alone. */
interface CheckRequest {
  failures: string[];
  fails: boolean;
}

/** Looks whether the rules of a step hold. Throws CHECK_FAILED where the flow says that the item then has failed. */
export function createCheckStep(deps: StepDeps): LightStepActivities['checkStep'] {
  return createStepActivity(deps, {
    request: judge,
    run(_attempt, { failures, fails }): Promise<StepResult> {
      if (fails && failures.length > 0) throw new SluiceError('CHECK_FAILED', failures.join(' '));
      return Promise.resolve({ passed: failures.length === 0, failures });
    },
  });
}

function judge(attempt: Attempt): CheckRequest {
  const { scope, input } = attempt;
  const { rules, on_failure: onFailure } = readStepOptions(attempt, stepOptions.check);
  const place = `steps.${input.step.id}.with.rules`;
  const failed = rules.filter(({ that }, n) => scope !== null && !holds(that, scope, `${place}[${String(n)}].that`));
  return { failures: failed.map(({ message }) => message), fails: onFailure === 'fail' };
}
