import { useRef } from 'preact/hooks';
import { useShortcuts } from '../state/shortcuts.ts';

interface SearchBoxProps {
  label: string;
  value: string;
  onInput: (value: string) => void;
}

/** Narrows what is shown to what holds a text; `/` goes there. */
export function SearchBox({ label, value, onInput }: SearchBoxProps) {
  const input = useRef<HTMLInputElement>(null);
  useShortcuts('Search', [{ keys: '/', label, run: () => input.current?.focus() }]);
  return (
    <input
      ref={input}
      type="search"
      class="input grow"
      placeholder={label}
      aria-label={label}
      value={value}
      onInput={(event) => onInput(event.currentTarget.value)}
    />
  );
}
