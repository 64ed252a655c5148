import { useEffect, useId, useRef, useState } from 'preact/hooks';
import logoUrl from '../icon.svg';
import { ApiError } from '../api/request.ts';
import { Failure } from '../components/state-notes.tsx';
import { signIn } from '../state/session.ts';

/** Asks for a token, where the service does. It is kept in a cookie that no script can read. */
export function SignInPage() {
  const id = useId();
  const field = useRef<HTMLInputElement>(null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  useEffect(() => {
    document.title = 'Sign in · Sluice';
    field.current?.focus();
  }, []);
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      await signIn(field.current?.value.trim() ?? '');
    } catch (reason) {
      setBusy(false);
      setError(reason instanceof ApiError && reason.status === 401 ? wrongToken : reason);
      field.current?.select();
    }
  };
  return (
    <main class="sign-in">
      <form class="card stack" onSubmit={(event) => void submit(event)}>
        <div class="stack-small">
          <img src={logoUrl} alt="" width="40" height="40" />
          <h1>Sign in to Sluice</h1>
        </div>
        <div class="field">
          <label htmlFor={id}>Token</label>
          <input
            id={id}
            ref={field}
            class="input mono"
            type="password"
            name="token"
            required
            autocomplete="current-password"
            aria-invalid={error !== null}
            aria-describedby={`${id}-hint`}
          />
          <p class="hint" id={`${id}-hint`}>
            Made where the engine runs: <code class="wrap">sluice token create NAME --role run</code>
          </p>
        </div>
        {error !== null && <Failure error={error} />}
        <button type="submit" class="button button-primary" disabled={busy}>
          Sign in
        </button>
      </form>
    </main>
  );
}

/** The service speaks of headers to programs; here is a person. */
const wrongToken = new ApiError(401, 'This token is not known, or was revoked.', {
  action: 'Check that all of it was copied, or make another one.',
});
