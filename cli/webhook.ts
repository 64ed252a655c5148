import { Option, type Command } from 'commander';
import type { Delivery } from '../domain/events.ts';
import { withSluice } from './connect.ts';
import { exitStatus } from './exit-status.ts';
import { notice, print, printJson } from './output.ts';

export function addWebhook(program: Command): void {
  const webhook = program
    .command('webhook')
    .description('who was told what of a batch')
    .addHelpText('after', '\nExample:\n  sluice webhook deliveries batch_20260101_120000_ab12 --status failed');

  webhook
    .command('deliveries')
    .description('attempts to deliver a batch’s events, in order for each target')
    .argument('<batch>', 'id of the batch')
    .option('--target <name>', 'only to this target')
    .addOption(new Option('--status <status>', 'only with this status').choices(['delivered', 'retrying', 'failed']))
    .option('--json', 'print one JSON object a line')
    .addHelpText('after', '\nExample:\n  sluice webhook deliveries batch_20260101_120000_ab12 --status failed')
    .action((batchId: string, flags: { target?: string; status?: Delivery['status']; json?: boolean }) =>
      withSluice(async (sluice) => {
        for await (const delivery of sluice.webhooks.deliveries(batchId, flags)) {
          if (flags.json === true) printJson(delivery);
          else print(renderDelivery(delivery));
        }
      }),
    );

  webhook
    .command('redeliver')
    .description('send events again: all that were given up, or one')
    .argument('<batch>', 'id of the batch')
    .option('--event <id>', 'this event, also if it was delivered')
    .option('--target <name>', 'only to this target')
    .addHelpText('after', '\nExample:\n  sluice webhook redeliver batch_20260101_120000_ab12')
    .action((batchId: string, flags: { event?: string; target?: string }) =>
      withSluice(async (sluice) => {
        const { event: eventId, target } = flags;
        const { events } = await sluice.webhooks.redeliver(batchId, { eventId, target });
        print(`${events === 1 ? '1 event is' : `${String(events)} events are`} sent again.`);
      }),
    );

  webhook
    .command('test')
    .description('send a test to a target, and say what it answered')
    .argument('<target>', 'name in webhooks: or notify: of the configuration, or an address')
    .addHelpText('after', '\nExample:\n  sluice webhook test studio')
    .action((target: string) =>
      withSluice(async (sluice) => {
        const problem = await sluice.webhooks.test(target);
        if (problem === null) {
          print(`The test has arrived at ${target}.`);
          return;
        }
        notice(`The test did not arrive at ${target}: ${problem}`);
        process.exitCode = exitStatus.error;
      }),
    );

  webhook
    .command('secret')
    .description('the secret by which receivers check what targets without one of their own are sent')
    .option('--new', 'make up one for a target of the configuration instead')
    .addHelpText('after', '\nExample:\n  sluice webhook secret')
    .action(async (flags: { new?: boolean }) => {
      const { newWebhookSecret, webhookSecret } = await import('../client/webhook-secret.ts');
      const { defaultHome } = await import('../client/engine/home.ts');
      print(flags.new === true ? newWebhookSecret() : webhookSecret(defaultHome(process.env)));
    });
}

function renderDelivery(delivery: Delivery): string {
  const { at, target, status, type, event_id: id, http_status: answer, error } = delivery;
  const why = error ?? (answer === null ? '' : String(answer));
  return [at, target.padEnd(12), status.padEnd(9), type.padEnd(16), id, why].join('  ').trimEnd();
}
