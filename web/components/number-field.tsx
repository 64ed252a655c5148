import { useId } from 'preact/hooks';

interface NumberFieldProps {
  name: string;
  label: string;
  value?: number | null;
  min?: number;
  max?: number;
  /** `any` allows fractions. @default whole numbers */
  step?: 'any' | number;
  required?: boolean;
  placeholder?: string;
}

/** A number, or nothing where that is allowed; the browser checks the bounds. */
export function NumberField({ name, label, value, min, max, step = 1, required, placeholder }: NumberFieldProps) {
  const id = useId();
  return (
    <div class="field">
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        class="input figure"
        type="number"
        inputMode={step === 'any' ? 'decimal' : 'numeric'}
        name={name}
        min={min}
        max={max}
        step={step}
        required={required}
        placeholder={placeholder}
        defaultValue={value ?? ''}
      />
    </div>
  );
}
