import { useRef, useState } from 'preact/hooks';
import { Icon } from './icon.tsx';

/** Takes one file: dropped, or chosen by a button. */
export function DropZone({ onFile }: { onFile: (file: File) => void }) {
  const input = useRef<HTMLInputElement>(null);
  const [over, setOver] = useState(false);
  const drop = (event: DragEvent): void => {
    event.preventDefault();
    setOver(false);
    const file = event.dataTransfer?.files[0];
    if (file !== undefined) onFile(file);
  };
  return (
    <div
      class={over ? 'empty drop drop-over' : 'empty drop'}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
    >
      <span class="empty-icon">
        <Icon name="upload" />
      </span>
      <h2>Drop a file here</h2>
      <p>
        The column <code>prompt</code> is all that is needed; <code>id</code>, <code>output_name</code>,{' '}
        <code>seed</code>, <code>model</code> and others are understood.
      </p>
      <button type="button" class="button button-primary" onClick={() => input.current?.click()}>
        Choose a file
      </button>
      <input
        ref={input}
        type="file"
        hidden
        aria-label="File with the items"
        accept=".csv,.jsonl,.ndjson,.tsv,.txt,text/csv,application/x-ndjson"
        onChange={(event) => {
          const file = event.currentTarget.files?.[0];
          if (file !== undefined) onFile(file);
        }}
      />
    </div>
  );
}
