import { useEffect, useRef, useState } from 'preact/hooks';
import type { ComponentChild } from 'preact';
import { ShortcutHelp } from './components/shortcut-help.tsx';
import { SideBar } from './components/side-bar.tsx';
import { Empty, Failure, Loading } from './components/state-notes.tsx';
import { Toaster } from './components/toaster.tsx';
import { BatchPage } from './pages/batch-page.tsx';
import { BatchesPage } from './pages/batches-page.tsx';
import { ComparePage } from './pages/compare-page.tsx';
import { CostsPage } from './pages/costs-page.tsx';
import { GpusPage } from './pages/gpus-page.tsx';
import { InboxPage } from './pages/inbox-page.tsx';
import { NewBatchPage } from './pages/new-batch-page.tsx';
import { NewSchedulePage } from './pages/new-schedule-page.tsx';
import { SchedulesPage } from './pages/schedules-page.tsx';
import { SignInPage } from './pages/sign-in-page.tsx';
import { matchPath, navigate, place } from './state/router.ts';
import { session } from './state/session.ts';
import { useShortcuts } from './state/shortcuts.ts';
import { useStore } from './state/store.ts';
import { toggleTheme } from './state/theme.ts';

const routes: readonly [pattern: string, page: (parameters: Record<string, string>) => ComponentChild][] = [
  ['/', () => <BatchesPage />],
  ['/new', () => <NewBatchPage />],
  ['/inbox', () => <InboxPage />],
  ['/costs', () => <CostsPage />],
  ['/gpus', () => <GpusPage />],
  ['/schedules', () => <SchedulesPage />],
  ['/schedules/new', () => <NewSchedulePage />],
  ['/batches/:id/compare', ({ id = '' }) => <ComparePage key={id} batchId={id} />],
  ['/batches/:id', ({ id = '' }) => <BatchPage key={id} batchId={id} part="overview" />],
  ['/batches/:id/gallery', ({ id = '' }) => <BatchPage key={id} batchId={id} part="gallery" />],
  ['/batches/:id/failed', ({ id = '' }) => <BatchPage key={id} batchId={id} part="failed" />],
  ['/batches/:id/report', ({ id = '' }) => <BatchPage key={id} batchId={id} part="report" />],
];

/** The whole dashboard, or the question for a token where the service asks for one. */
export function App() {
  const { session: known, error } = useStore(session);
  if (known === null) return <Shell>{error === null ? <Loading /> : <Failure error={error} />}</Shell>;
  return known.role === null ? <SignInPage /> : <Shell />;
}

/** Navigation at the side, and the page that the address names, or what stands in its place. */
function Shell({ children }: { children?: ComponentChild }) {
  const { path } = useStore(place);
  const [help, setHelp] = useState(false);
  const main = useRef<HTMLElement>(null);
  useShortcuts('Everywhere', [
    { keys: 'g b', label: 'Batches', run: () => navigate('/') },
    { keys: 'n', label: 'New batch', run: () => navigate('/new') },
    { keys: 'g i', label: 'Inbox', run: () => navigate('/inbox') },
    { keys: 'g c', label: 'Costs', run: () => navigate('/costs') },
    { keys: 'g s', label: 'Schedules', run: () => navigate('/schedules') },
    { keys: 'g g', label: 'GPUs and queues', run: () => navigate('/gpus') },
    { keys: 't', label: 'Light or dark', run: toggleTheme },
    { keys: '?', label: 'This list', run: () => setHelp(true) },
  ]);
  // A screen reader begins to read at the new page, and Tab goes on from there.
  const shown = useRef(path);
  useEffect(() => {
    if (shown.current === path) return;
    shown.current = path;
    main.current?.querySelector('h1')?.focus({ preventScroll: true });
  }, [path]);
  return (
    <>
      <a class="skip-link" href="#main">
        Skip to the page
      </a>
      <div class="shell">
        <SideBar path={path} onHelp={() => setHelp(true)} />
        <main id="main" class="main" tabIndex={-1} ref={main}>
          {children ?? pageAt(path)}
        </main>
      </div>
      <Toaster />
      {help && <ShortcutHelp onClose={() => setHelp(false)} />}
    </>
  );
}

function pageAt(path: string): ComponentChild {
  for (const [pattern, page] of routes) {
    const parameters = matchPath(pattern, path);
    if (parameters !== null) return page(parameters);
  }
  return (
    <>
      <h1 class="visually-hidden">Not found</h1>
      <Empty icon="file" title="There is no such page">
        <a class="button" href="/">
          To the batches
        </a>
      </Empty>
    </>
  );
}
