import { answerText } from '../shared/text-answer.ts';
import type { GenerateRequest } from './generate-request.ts';
import { candidate, footer } from './replies.ts';

interface TextContext {
  model: string;
  request: GenerateRequest;
  call: number;
  fault: string | null;
  words: number;
}

/** What a language model says; its thoughts are counted, and shown where they were asked for. */
export function textReply({ model, request, call, fault, words }: TextContext): object {
  const { seed, maxOutputTokens, schema, includeThoughts } = request;
  const prompt = [request.system, request.prompt].filter((text) => text !== '').join('\n');
  const { text, end, outputTokens } = answerText(
    { model, prompt, seed, maxTokens: maxOutputTokens, schema },
    fault,
    words,
  );
  // A schema of the answer is counted as a part of what is said.
  const said = schema === undefined ? prompt : `${prompt}\n${JSON.stringify(schema)}`;
  const thoughts = thinks(model) ? 16 + Math.ceil(prompt.length / 40) : 0;
  const parts = [
    ...(includeThoughts && thoughts > 0 ? [{ text: 'Emulated thoughts.', thought: true }] : []),
    ...(text === '' ? [] : [{ text }]),
  ];
  return {
    candidates: [candidate(end === 'cut_off' ? 'MAX_TOKENS' : 'STOP', parts)],
    ...footer({ model, call, request: { ...request, prompt: said } }, outputTokens, undefined, thoughts),
  };
}

function thinks(model: string): boolean {
  return !model.includes('lite');
}
