import { render } from 'preact';
import { App } from './app.tsx';
import { startRouter } from './state/router.ts';
import { startShortcuts } from './state/shortcuts.ts';
import { startTheme } from './state/theme.ts';
import './styles/tokens.css';
import './styles/base.css';
import './styles/layout.css';
import './styles/controls.css';
import './styles/parts.css';
import './styles/pages.css';
import './styles/pictures.css';

startTheme();
startRouter();
startShortcuts();
const root = document.getElementById('app');
if (root !== null) render(<App />, root);
