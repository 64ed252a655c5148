/** What a person may say to a question. */
export const decisions = ['approve', 'reject', 'edit'] as const;
export type Decision = (typeof decisions)[number];

/** What a step asks a person; small, because histories and lists hold it. The text itself lies in the store. */
export interface Question {
  /** Names it among the item's questions: id of the step, and in loops the round, e.g. `approval-2`. */
  id: string;
  /** One line. */
  title: string;
  /** File to look at, relative to the batch directory; null if the title says it all. */
  path: string | null;
  choices: readonly Decision[];
  /** How long the item waits, milliseconds; null: as long as it takes. */
  timeoutMs: number | null;
  /** What counts as the answer when the time is over. */
  onTimeout: 'approve' | 'reject' | 'fail';
}

/** Argument of the update `answer`; anybody may send one from Temporal's Web UI. */
export interface Answer {
  decision: Decision;
  /** Reaches later steps as `steps.<id>.answer.note`. */
  note?: string;
  /** Takes the place of the text in question; goes with `edit`. */
  text?: string;
  /** Id of the question that is meant. @default the one that is open */
  question?: string;
}

/** An answer that stands: what a person said, or what the step says where nobody did. */
export interface GivenAnswer extends Omit<Answer, 'question'> {
  by: 'person' | 'time limit' | 'rule';
}

/** Longest note and text of an answer, characters: they are kept in the item's history. */
export const maxNoteLength = 4_000;
export const maxTextLength = 400_000;

/** What an item that waits says of its question (memo `question`). */
export interface OpenQuestion extends Question {
  /** Where the batch is, for who lists questions. */
  storeUri: string;
  /** ISO 8601, UTC. */
  since: string;
}

/** What is wrong with an answer by itself, naming field and rule, or null. Without zod: it runs in the workflow. */
export function answerProblem(value: unknown): string | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'answer: must be an object';
  const fields: Record<string, unknown> = { ...value };
  const { decision, note, text, question } = fields;
  const unknown = Object.keys(fields).find((field) => !['decision', 'note', 'text', 'question'].includes(field));
  if (unknown !== undefined) return `${unknown}: is not a field of an answer`;
  if (!decisions.some((known) => known === decision)) return `decision: must be one of ${decisions.join(', ')}`;
  if (note !== undefined && !isText(note, maxNoteLength))
    return `note: must be a text of at most ${maxNoteLength} characters`;
  if (question !== undefined && typeof question !== 'string') return 'question: must be the id of the question';
  if (decision !== 'edit') return text === undefined ? null : 'text: goes with the decision edit';
  return isText(text, maxTextLength) && text !== ''
    ? null
    : `text: an edit needs the new text, of at most ${maxTextLength} characters`;
}

/** Why an answer does not fit the question that is open, or null. */
export function misfitOf(answer: Answer, open: Question): string | null {
  if (answer.question !== undefined && answer.question !== open.id) {
    return `The open question is ${open.id}, not ${answer.question}.`;
  }
  return open.choices.includes(answer.decision)
    ? null
    : `decision: must be one of ${open.choices.join(', ')} for this question`;
}

function isText(value: unknown, maxLength: number): value is string {
  return typeof value === 'string' && value.length <= maxLength;
}

export function questionId(stepId: string, round: number): string {
  return round === 0 ? stepId : `${stepId}-${String(round)}`;
}
