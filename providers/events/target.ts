import type { HostRules } from '../../domain/host-rules.ts';

/** A target with its address and secrets, as a worker knows it; never part of a history. */
export type ResolvedTarget = { giveUpAfterMs: number } & (
  | { kind: 'webhook'; url: string; key: Buffer; rules: HostRules }
  | { kind: 'slack'; url: string; rules: HostRules }
  | { kind: 'email'; to: string[]; from: string; smtp: SmtpServer }
);

export interface SmtpServer {
  host: string;
  port: number;
  secure: boolean;
  user?: string | undefined;
  password?: string | undefined;
}
