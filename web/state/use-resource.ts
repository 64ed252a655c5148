import { useEffect, useState } from 'preact/hooks';
import { changes } from '../api/changes.ts';
import { getJson } from '../api/request.ts';

export interface Resource<T> {
  /** The latest answer; kept while the next one is on its way, or fails. */
  data: T | null;
  error: unknown;
}

/** Latest answers by path, so that going back to a page shows it at once. */
const answers = new Map<string, unknown>();
const maxAnswers = 50;

/**
 * What the API answers to a path; asked again when this page has changed something, and every `everyMs` for as
 * long as it is looked at.
 * @param path null: nothing is asked
 */
export function useResource<T>(path: string | null, { everyMs }: { everyMs?: number } = {}): Resource<T> {
  const [answer, setAnswer] = useState<{ path: string | null; data: T | null; error: unknown }>({
    path: null,
    data: null,
    error: null,
  });
  useEffect(() => {
    if (path === null) return;
    const left = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const next = async (): Promise<void> => {
      clearTimeout(timer);
      try {
        const data = await getJson<T>(path, left.signal);
        remember(path, data);
        setAnswer({ path, data, error: null });
      } catch (error) {
        if (left.signal.aborted) return;
        setAnswer((before) => ({ path, data: before.path === path ? before.data : null, error }));
      }
      if (everyMs === undefined || left.signal.aborted) return;
      // Asked by hand meanwhile, there would be two.
      clearTimeout(timer);
      timer = setTimeout(onTime, everyMs);
    };
    // A page nobody sees asks nothing; it asks when it is seen again.
    const onTime = (): void => {
      if (document.visibilityState === 'visible') void next();
    };
    const onVisible = (): void => {
      if (everyMs !== undefined && document.visibilityState === 'visible') void next();
    };
    document.addEventListener('visibilitychange', onVisible);
    const onChange = (): void => void next();
    changes.addEventListener('change', onChange);
    void next();
    return () => {
      left.abort();
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', onVisible);
      changes.removeEventListener('change', onChange);
    };
  }, [path, everyMs]);
  if (answer.path === path) return { data: answer.data, error: answer.error };
  return { data: path === null ? null : ((answers.get(path) as T | undefined) ?? null), error: null };
}

function remember(path: string, data: unknown): void {
  answers.delete(path);
  answers.set(path, data);
  const [oldest] = answers.keys();
  if (answers.size > maxAnswers && oldest !== undefined) answers.delete(oldest);
}
