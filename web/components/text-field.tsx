import { useId } from 'preact/hooks';

interface TextFieldProps {
  name: string;
  label: string;
  value?: string;
  required?: boolean;
  maxLength?: number;
  /** What the whole text has to match. */
  pattern?: string;
  placeholder?: string;
  hint?: string;
}

/** One line of text; the browser checks the rest. */
export function TextField({ name, label, value, hint, ...rules }: TextFieldProps) {
  const id = useId();
  const described = hint === undefined ? {} : { 'aria-describedby': `${id}-hint` };
  return (
    <div class="field">
      <label htmlFor={id}>{label}</label>
      <input id={id} class="input" type="text" name={name} defaultValue={value ?? ''} {...rules} {...described} />
      {hint !== undefined && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  );
}
