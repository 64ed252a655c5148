const looks: Record<string, { class: string; label: string }> = {
  running: { class: 'badge-live', label: 'Running' },
  paused: { class: 'badge-warn', label: 'Paused' },
  succeeded: { class: 'badge-good', label: 'Succeeded' },
  failed: { class: 'badge-bad', label: 'Failed' },
  cancelled: { class: '', label: 'Cancelled' },
  terminated: { class: 'badge-bad', label: 'Terminated' },
  waiting: { class: 'badge-warn', label: 'Waiting' },
};

/** State of a batch or an item: by a word, the colour only helps. */
export function StatusBadge({ status }: { status: string }) {
  const look = looks[status] ?? { class: '', label: status };
  return <span class={`badge ${look.class}`}>{look.label}</span>;
}
