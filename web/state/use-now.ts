import { useEffect, useState } from 'preact/hooks';

/** The time, once a second while something on the page counts. */
export function useNow(counting: boolean): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    if (!counting) return;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, [counting]);
  return now;
}
