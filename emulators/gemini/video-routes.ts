import { now } from '../shared/clock.ts';
import type { Reply } from '../shared/http.ts';
import { errorReply } from './behaviour.ts';
import { errors } from './replies.ts';
import { operationOf } from './video-operation.ts';
import { renderVideo } from './video.ts';

/** What the vendor's filter says of a video it keeps. */
const filteredReason =
  'We encountered an issue with the audio for your prompt and could not create your video. You have not been charged.';

/** `GET models/{model}/operations/{id}`: how far a video is. */
export function operationReply(name: string, id: string, baseUrl: string): Reply {
  const operation = operationOf(id);
  if (operation === null) return errorReply(errors.notFound());
  if (now() < operation.doneAt) return ok({ name });
  if (operation.end === 'failed') {
    return ok({ name, done: true, error: { code: 13, message: 'Video generation failed due to an internal error.' } });
  }
  const type = 'type.googleapis.com/google.ai.generativelanguage.v1beta.PredictLongRunningResponse';
  const generateVideoResponse =
    operation.end === 'filtered'
      ? { raiMediaFilteredCount: 1, raiMediaFilteredReasons: [filteredReason] }
      : { generatedSamples: [{ video: { uri: `${baseUrl}/v1beta/files/${id}:download?alt=media` } }] };
  return ok({ name, done: true, response: { '@type': type, generateVideoResponse } });
}

/** `GET files/{id}:download?alt=media`: the video itself. */
export function downloadReply(id: string): Reply {
  const operation = operationOf(id);
  if (operation?.end !== 'done' || now() < operation.doneAt) return errorReply(errors.notFound());
  return { status: 200, text: renderVideo(operation), headers: { 'content-type': 'video/mp4' } };
}

function ok(body: object): Reply {
  return { status: 200, text: JSON.stringify(body) };
}
