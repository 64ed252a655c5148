import { createTransport } from 'nodemailer';
import { SluiceError } from '../../domain/errors.ts';
import type { CloudEventBody } from '../../domain/events.ts';
import { eventText } from '../../domain/event-text.ts';
import type { ResolvedTarget } from './target.ts';

const timeoutMs = 15_000;

/**
 * Sends an event as a message. Its Message-ID follows from the event, so that a mailbox shows one that was sent twice
 * once.
 *
 * @throws SluiceError AUTH for a refused password, else UNAVAILABLE with the server's answer
 */
export async function sendEmail(
  { to, from, smtp }: Extract<ResolvedTarget, { kind: 'email' }>,
  event: CloudEventBody,
): Promise<void> {
  const { host, port, secure, user, password } = smtp;
  const transport = createTransport({
    host,
    port,
    secure,
    ...(user === undefined ? {} : { auth: { user, pass: password ?? '' } }),
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    // Texts of events are texts: no file and no address in them is looked at.
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  const { subject, text } = eventText(event);
  try {
    await transport.sendMail({ from, to, subject, text, messageId: `<${encodeURIComponent(event.id)}@sluice>` });
  } catch (error) {
    const { code, response } = error as { code?: string; response?: string };
    const refused = code === 'EAUTH';
    const reason = response ?? code ?? 'it broke off';
    const message = `The mail server ${host}:${String(port)} did not take the message (${reason}).`;
    throw new SluiceError(refused ? 'AUTH' : 'UNAVAILABLE', message, {
      action: 'Correct smtp: of the target in the configuration.',
      cause: error,
    });
  } finally {
    transport.close();
  }
}
