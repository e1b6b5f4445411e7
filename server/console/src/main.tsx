import './i18n';

import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { BrowserRouter } from 'react-router-dom';

import { ApiError } from './api/client';
import { App } from './App';

const client = new QueryClient({
  defaultOptions: {
    queries: {
      // Changes are told by the server; a refusal does not get better by asking.
      staleTime: 30_000,
      retry: (count, error) => count < 3 && !(error instanceof ApiError && error.status > 0 && error.status < 500),
    },
  },
});

const root = document.getElementById('root');
if (root) {
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={client}>
        <BrowserRouter>
          <App />
        </BrowserRouter>
      </QueryClientProvider>
    </StrictMode>,
  );
}
