/** Vendors whose models Sluice calls, as models.yaml, the configuration and task queues name them. */
export const vendors = ['gemini', 'openai', 'anthropic'] as const;
export type Vendor = (typeof vendors)[number];

/** As messages call them, and the environment's variables of each. */
export const vendorFacts: Readonly<Record<Vendor, { name: string; keyVariable: string; urlVariable: string }>> = {
  gemini: { name: 'Gemini', keyVariable: 'GEMINI_API_KEY', urlVariable: 'GEMINI_BASE_URL' },
  openai: { name: 'OpenAI', keyVariable: 'OPENAI_API_KEY', urlVariable: 'OPENAI_BASE_URL' },
  anthropic: { name: 'Anthropic', keyVariable: 'ANTHROPIC_API_KEY', urlVariable: 'ANTHROPIC_BASE_URL' },
};
