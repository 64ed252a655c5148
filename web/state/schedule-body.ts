/** Options of a batch that are numbers. */
const numbers = ['concurrency', 'rate_limit', 'budget_usd', 'tolerated_failures'];

/** What the API takes for a new schedule: JSON, or a form of options and the file they come with. */
export function scheduleBody(form: FormData): Record<string, unknown> | FormData {
  const options: Record<string, unknown> = {};
  let file: File | null = null;
  for (const [name, value] of form) {
    if (typeof value !== 'string') file = value;
    else if (value.trim() !== '') Object.assign(options, optionOf(name, value.trim()));
  }
  if (file === null) return options;
  const body = new FormData();
  body.append('options', JSON.stringify(options));
  body.append('file', file, file.name);
  return body;
}

function optionOf(name: string, value: string): Record<string, unknown> {
  if (name === 'cron') return { cron: [value] };
  if (name === 'every_minutes') return { every_seconds: Number(value) * 60 };
  return { [name]: numbers.includes(name) ? Number(value) : value };
}
