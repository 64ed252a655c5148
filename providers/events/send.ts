import { SluiceError } from '../../domain/errors.ts';
import type { CloudEventBody } from '../../domain/events.ts';
import { eventText } from '../../domain/event-text.ts';
import type { HostRules } from '../../domain/host-rules.ts';
import { sendGuarded } from '../http/guarded-request.ts';
import { sendEmail } from './email.ts';
import { signedHeaders } from './sign.ts';
import type { ResolvedTarget } from './target.ts';

/** What a receiver answered; `null` where its protocol has no such number. */
export interface Sent {
  httpStatus: number | null;
}

/** Longest a receiver may take for its answer. */
const timeoutMs = 15_000;

/**
 * Sends an event once.
 *
 * @throws the reason of `signal`; SluiceError for a receiver that cannot be reached or may not be asked. An answer
 * that is no success is returned, not thrown.
 */
export async function sendEvent(target: ResolvedTarget, event: CloudEventBody, signal: AbortSignal): Promise<Sent> {
  switch (target.kind) {
    case 'webhook': {
      const body = JSON.stringify(event);
      const headers = {
        'content-type': 'application/cloudevents+json; charset=utf-8',
        ...signedHeaders(target.key, event.id, Date.now(), body),
      };
      return post(target, headers, body, signal);
    }
    case 'slack':
      return post(
        target,
        { 'content-type': 'application/json' },
        JSON.stringify({ text: eventText(event).text }),
        signal,
      );
    case 'email':
      await sendEmail(target, event);
      return { httpStatus: null };
  }
}

async function post(
  { url, rules }: { url: string; rules: HostRules },
  headers: Record<string, string>,
  body: string,
  signal: AbortSignal,
): Promise<Sent> {
  try {
    const { status } = await sendGuarded({
      method: 'POST',
      url,
      headers: { 'user-agent': 'Sluice', ...headers },
      body,
      secretHeaders: ['webhook-signature'],
      rules,
      timeoutMs,
      maxBytes: 'ignored',
      signal,
      // A signature is for the address that was given, and no other.
      maxRedirects: 0,
    });
    return { httpStatus: status };
  } catch (error) {
    if (error instanceof SluiceError && error.message.includes('redirects')) {
      throw new SluiceError('UNAVAILABLE', 'The receiver redirects; give its final address.', { cause: error });
    }
    throw error;
  }
}
