import { Option, type Command } from 'commander';
import { defaultHome } from '../client/engine/home.ts';
import { SluiceError } from '../domain/errors.ts';
import { tokenRoles, type TokenRole } from '../domain/role.ts';
import { notice, print, printJson } from './output.ts';

/** Registers `sluice token`. */
export function addToken(program: Command): void {
  const token = program
    .command('token')
    .description('who may use the REST service')
    .addHelpText('after', '\nExample:\n  sluice token create ci --role run --project cats');

  token
    .command('create')
    .description('make a token and print it; it is shown this once only')
    .argument('<name>', 'what the token is for')
    .addOption(new Option('--role <role>', 'what it allows').choices(tokenRoles).default('run'))
    .option('--project <name>', 'the only project it sees and runs batches of (all)')
    .addHelpText('after', '\nExample:\n  sluice token create ci --role run --project cats')
    .action(async (name: string, flags: { role: TokenRole; project?: string }) => {
      const { createToken } = await import('../client/tokens.ts');
      const { role, project = null } = flags;
      print(createToken({ home: defaultHome(process.env), name, role, project }));
      notice('Keep it: only its hash is stored. From now on the REST service asks for a token.');
    });

  token
    .command('list')
    .description('list the tokens, not what they are')
    .option('--json', 'print one JSON object a line')
    .addHelpText('after', '\nExample:\n  sluice token list')
    .action(async (flags: { json?: boolean }) => {
      const { readTokens } = await import('../client/tokens.ts');
      const tokens = readTokens(defaultHome(process.env));
      for (const { hash: _hash, ...known } of tokens) {
        if (flags.json === true) printJson(known);
        else print(`${known.name}  ${known.role}  ${known.project ?? 'all projects'}  ${known.created_at}`);
      }
      if (tokens.length === 0 && flags.json !== true)
        notice('There are no tokens: who reaches the service may use it.');
    });

  token
    .command('revoke')
    .description('take a token back, at once')
    .argument('<name>', 'name of the token')
    .addHelpText('after', '\nExample:\n  sluice token revoke ci')
    .action(async (name: string) => {
      const { revokeToken } = await import('../client/tokens.ts');
      if (!revokeToken(defaultHome(process.env), name)) throw new SluiceError('USAGE', `There is no token ${name}.`);
      print(`The token ${name} is no longer good.`);
    });
}
