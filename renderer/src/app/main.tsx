import '@mantine/core/styles.css';
import '@mantine/dates/styles.css';
import '@mantine/spotlight/styles.css';
import '../styles/fonts.css';
import '../styles/tokens.css';
import '../styles/print.css';
import { MantineProvider } from '@mantine/core';
import { QueryClientProvider } from '@tanstack/react-query';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { createQueryClient } from '../client/queries.ts';
import { App } from './App.tsx';
import { CrashScreen } from './CrashScreen.tsx';
import { cssVariables, theme } from './theme.ts';

/** The nonce of the page's policy, so that Mantine's and the scroll lock's style blocks are allowed without `unsafe-inline`. */
const nonce = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.content ?? '';
// The scroll lock that dialogs use reads its nonce from this bundler's name.
Object.assign(window, { __webpack_nonce__: nonce });

const root = document.getElementById('root');
if (!root) throw new Error('The page has no root.');
// React's own report would quote the error's message; the crash screen reports without it.
createRoot(root, { onCaughtError: () => undefined }).render(
  <StrictMode>
    <MantineProvider
      theme={theme}
      cssVariablesResolver={cssVariables}
      defaultColorScheme="auto"
      getStyleNonce={() => nonce}
    >
      <CrashScreen>
        <QueryClientProvider client={createQueryClient()}>
          <App />
        </QueryClientProvider>
      </CrashScreen>
    </MantineProvider>
  </StrictMode>,
);
