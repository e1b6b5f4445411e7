// What a page shows while it waits, when it failed, and when there is nothing.
import { Alert, Box, Button, CircularProgress, Typography } from '@mui/material';
import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';

import { ApiError } from '../api/client';

export function ErrorText({ error }: { error: unknown }) {
  const { t } = useTranslation();
  const known = ['unreachable', 'permission_denied', 'resource_exhausted'];
  if (error instanceof ApiError && known.includes(error.code)) return <>{t(`error.${error.code}`)}</>;
  return <>{t('error.other', { message: error instanceof Error ? error.message : String(error) })}</>;
}

export function Waiting() {
  const { t } = useTranslation();
  return (
    <Box sx={{ p: 4, textAlign: 'center' }}>
      <CircularProgress aria-label={t('app.loading')} />
    </Box>
  );
}

interface Props<T> {
  query: UseQueryResult<T>;
  children: (data: T) => ReactNode;
}

// Old data stays on the screen while newer is fetched or cannot be had.
export function Loaded<T>({ query, children }: Props<T>) {
  const { t } = useTranslation();
  return (
    <>
      {query.isError && (
        <Alert
          severity="error"
          sx={{ mb: 2 }}
          action={<Button onClick={() => void query.refetch()}>{t('app.retry')}</Button>}
        >
          <ErrorText error={query.error} />
        </Alert>
      )}
      {query.isPending && (
        <Waiting />
      )}
      {query.data !== undefined && children(query.data)}
    </>
  );
}

export function Empty() {
  const { t } = useTranslation();
  return <Typography sx={{ p: 3, color: 'text.secondary' }}>{t('app.empty')}</Typography>;
}
