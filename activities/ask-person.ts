import { createHash } from 'node:crypto';
import { SluiceError } from '../domain/errors.ts';
import { maxTextLength, questionId, type GivenAnswer, type Question } from '../domain/question.ts';
import { stepOptions } from '../domain/step-options.ts';
import type { Attempt } from './attempt.ts';
import { createStepActivity } from './step-activity.ts';
import { readStepOptions } from './step-options.ts';
import type { StepDeps, StepResult } from './step-work.ts';
import type { LightStepActivities } from './types.ts';

/** What a person is asked; a changed question is another one, and is asked again. */
interface ApproveRequest {
  title: string;
  text: string | null;
  /** File in the batch directory to look at, and what is in it: the next round's has the same path. */
  image: string | null;
  imageSha256: string | null;
  timeoutMs: number | null;
  onTimeout: Question['onTimeout'];
  notInteractive: Question['onTimeout'];
  onReject: 'continue' | 'fail';
}

const hourMs = 3_600_000;

/**
 * Asks a person about what earlier steps made. The first call writes what is to be looked at and returns the
 * question; the item's workflow then waits, and calls again with the answer, which becomes the step's record. In a
 * batch that is not interactive the step answers itself, as its flow says.
 */
export function createAskPerson(deps: StepDeps): LightStepActivities['askPerson'] {
  return createStepActivity(deps, {
    request: readRequest,
    async run(attempt, request): Promise<StepResult> {
      const { given, interactive = false } = attempt.input;
      if (given !== undefined) return answered(request, given);
      if (interactive) return { question: await questionOf(attempt, request) };
      if (request.notInteractive !== 'fail') {
        return answered(request, { decision: request.notInteractive, by: 'rule' });
      }
      throw new SluiceError('NOT_ANSWERED', `The batch asks nobody, and the step needs an answer: ${request.title}`);
    },
  });
}

async function readRequest(attempt: Attempt): Promise<ApproveRequest> {
  const { input, store } = attempt;
  const place = `steps.${input.step.id}.with`;
  const options = readStepOptions(attempt, stepOptions.approve);
  const image = options.image ?? null;
  const bytes = image === null ? null : await store.get(image);
  if (image !== null && bytes === null) {
    throw new SluiceError('INVALID_INPUT', `${place}.image: there is no ${image} in the batch directory`);
  }
  const hours = options.time_limit_hours ?? null;
  return {
    title: options.question.replace(/\s+/g, ' ').trim().slice(0, 300),
    text: options.text ?? null,
    image,
    imageSha256: bytes === null ? null : createHash('sha256').update(bytes).digest('hex'),
    timeoutMs: hours === null ? null : Math.round(hours * hourMs),
    onTimeout: options.default ?? 'fail',
    notInteractive: options.not_interactive ?? 'approve',
    // What closes a loop is there to be rejected: the next round is the answer to it.
    onReject: options.on_reject ?? (input.round === 0 ? 'fail' : 'continue'),
  };
}

async function questionOf(attempt: Attempt, request: ApproveRequest): Promise<Question> {
  const { store, item, input } = attempt;
  const { title, text, image, timeoutMs, onTimeout } = request;
  const id = questionId(input.step.id, input.round);
  const textKey = `steps/${item.name}/${id}.question.md`;
  if (text !== null) await store.put(textKey, text);
  return {
    id,
    title,
    path: image ?? (text === null ? null : textKey),
    choices: text === null ? ['approve', 'reject'] : ['approve', 'reject', 'edit'],
    timeoutMs,
    onTimeout,
  };
}

/** Throws REJECTED where the flow says that the item has failed then. */
function answered({ title, text, onReject }: ApproveRequest, given: GivenAnswer): StepResult {
  const { decision, note = null, by } = given;
  const approved = decision !== 'reject';
  if (!approved && onReject === 'fail') {
    throw new SluiceError('REJECTED', note === null ? `Rejected: ${title}` : `Rejected: ${note}`);
  }
  const shown = decision === 'edit' ? given.text?.slice(0, maxTextLength) : text;
  return {
    ...(shown === null || shown === undefined ? {} : { text: shown }),
    answer: { decision, note, by },
    approved,
    passed: approved,
  };
}
