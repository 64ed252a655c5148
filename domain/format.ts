/**
 * Figures for people: the report, pause reasons and the command line. Fixed English formats without
 * `Intl`, so that the same value reads the same on every machine and in a replayed workflow.
 */

/** `1234567` → `1,234,567`. Fractions are rounded. */
export function formatCount(count: number): string {
  return Math.round(count)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `$1,234.50`; under a dollar with up to four decimals (`$0.039`), because one image costs cents. */
export function formatUsd(costUsd: number): string {
  if (costUsd < 0) return `-${formatUsd(-costUsd)}`;
  if (costUsd > 0 && costUsd < 0.000_05) return '<$0.0001';
  const [whole = '0', decimals = ''] = costUsd.toFixed(costUsd < 1 ? 4 : 2).split('.');
  return `$${formatCount(Number(whole))}.${decimals.replace(/(?<=\d\d)0+$/, '')}`;
}

/** `512 B`, `1.5 kB`, `20 MB`: powers of a thousand. */
export function formatBytes(bytes: number): string {
  const exponent = Math.min(4, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  const value = bytes / 1_000 ** exponent;
  const unit = ['B', 'kB', 'MB', 'GB', 'TB'][exponent] ?? '';
  return `${value < 10 && exponent > 0 ? value.toFixed(1) : String(Math.round(value))} ${unit}`;
}

/** `0.4 s`, `45 s`, `1 m 05 s`, `2 h 03 m`, `3 d 04 h`. Takes seconds. */
export function formatDuration(seconds: number): string {
  const tenths = Math.round(Math.max(0, seconds) * 10);
  if (tenths < 100) return `${(tenths / 10).toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${String(whole)} s`;
  if (whole < 3_600) return pair(whole, 60, 'm', 's');
  const minutes = Math.round(seconds / 60);
  if (minutes < 1_440) return pair(minutes, 60, 'h', 'm');
  return pair(Math.round(seconds / 3_600), 24, 'd', 'h');
}

/** A share of 0–1 as `97.5%`. Only a whole reads as 100%, only nothing as 0%. */
export function formatPercent(share: number): string {
  const percent = share * 100;
  if (percent > 0 && percent < 0.1) return '<0.1%';
  const shown = percent < 100 ? Math.min(99.9, Math.round(percent * 10) / 10) : Math.round(percent * 10) / 10;
  return `${String(shown)}%`;
}

function pair(value: number, base: number, large: string, small: string): string {
  return `${String(Math.floor(value / base))} ${large} ${String(value % base).padStart(2, '0')} ${small}`;
}
